// Small helpers that make elements. Text is always set as text, never as markup.

export function element(name, properties = {}, children = []) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
}

/** One of the symbols at the top of index.html. */
export function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `#${name}`);
    svg.append(use);
    return svg;
}

/** A circle with the initials and the colour of a name. */
export function avatar(name) {
    return dressAvatar(element("span", { className: "avatar", ariaHidden: "true" }), name);
}

export function dressAvatar(circle, name) {
    const words = name.split(/[\s._-]+/).filter(Boolean);
    circle.textContent = words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("") || "?";
    let hash = 0;
    for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 65_521;
    circle.style.setProperty("--hue", (hash * 137) % 360);
    return circle;
}
