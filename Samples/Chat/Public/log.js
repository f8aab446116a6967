// The message log. Everything that came from somebody else is shown by textContent, never as markup.

import { imageURL } from "./images.js";
import { avatar, element, icon } from "./elements.js";

const MOST_KEPT = 300;
const GROUP_MILLISECONDS = 5 * 60 * 1000;
const STATES = {
    waiting: "Waiting to be sent",
    sent: "Sent",
    delivered: "Delivered",
    failed: "Not sent",
};
const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });

export class MessageLog {
    #scroller = document.getElementById("log");
    #list = document.getElementById("messages");
    #empty = document.getElementById("empty");
    #newest = document.getElementById("newest");
    #items = new Map(); // by key: ids start again when the server does
    #follows = true; // until the reader scrolls up
    #top = 0;
    #previous = null; // the message above, when nothing stands between

    constructor() {
        this.#newest.addEventListener("click", () => this.#scrollToEnd("smooth"));
        this.#scroller.addEventListener("scroll", () => this.#noteScroll(), { passive: true });
        // Keeps the last message in view when a picture loads, the keyboard opens or the composer grows.
        const observer = new ResizeObserver(() => this.#follows && this.#scrollToEnd());
        observer.observe(this.#scroller);
        observer.observe(this.#list);
    }

    clear() {
        this.#list.querySelectorAll("img").forEach((image) => URL.revokeObjectURL(image.src));
        this.#list.replaceChildren();
        this.#items.clear();
        this.#previous = null;
        this.#empty.hidden = false;
    }

    has(key) {
        return this.#items.has(key);
    }

    /** Adds a message unless it is there. `state` is for one's own: waiting, sent, delivered or failed. */
    add(message, state = null) {
        if (this.has(message.key)) return this.setState(message.key, state);
        const isContinued = this.#previous?.author === message.author
            && message.time - this.#previous.time < GROUP_MILLISECONDS;
        const item = element("li", { className: `message${state ? " own" : ""}${isContinued ? " continued" : ""}` });
        const bubble = element("div", { className: "bubble" });
        if (message.image) bubble.append(this.#picture(message));
        if (message.text) bubble.append(element("p", { textContent: message.text }));
        // The server keeps only the last few pictures of a room.
        if (!message.text && !message.image) bubble.append(element("p", { className: "gone", textContent: "A picture" }));
        const time = new Date(message.time);
        const isToday = time.toDateString() === new Date().toDateString();
        const details = element("span", { className: "details" }, [
            element("time", { dateTime: time.toISOString(), textContent: (isToday ? clock : calendar).format(time) }),
        ]);
        // In the paragraph, so that it shares the last line when there is room.
        (bubble.querySelector("p") ?? bubble).append(details);
        item.append(
            avatar(message.author),
            element("span", { className: state ? "visually-hidden" : "author", textContent: message.author }),
            bubble);
        this.#items.set(message.key, { item, details, state: null });
        this.setState(message.key, state);
        this.#previous = message;
        this.#append(item, state !== null);
    }

    /** Shows how far one's own message got. A receipt that was overtaken by `delivered` changes nothing. */
    setState(key, state) {
        const entry = this.#items.get(key);
        if (!entry || !state || entry.state === "delivered") return;
        entry.state = state;
        entry.details.querySelector(".receipt")?.remove();
        const receipt = element("span", { className: `receipt ${state}`, title: STATES[state] }, [icon(state)]);
        receipt.append(element("span", { className: "visually-hidden", textContent: STATES[state] }));
        entry.details.append(receipt);
    }

    notice(text) {
        this.#previous = null;
        this.#append(element("li", { className: "notice", textContent: text }), false);
    }

    #picture(message) {
        return element("img", { alt: `Picture from ${message.author}`, src: imageURL(message.image) });
    }

    #append(item, isOwn) {
        this.#list.append(item);
        this.#empty.hidden = true;
        if (this.#list.children.length > MOST_KEPT) this.#removeOldest();
        if (isOwn || this.#follows) this.#scrollToEnd();
        else if (item.classList.contains("message")) this.#newest.hidden = false;
    }

    #removeOldest() {
        const oldest = this.#list.firstElementChild;
        oldest.querySelectorAll("img").forEach((image) => URL.revokeObjectURL(image.src));
        for (const [key, entry] of this.#items) {
            if (entry.item === oldest) this.#items.delete(key);
        }
        oldest.remove();
    }

    #noteScroll() {
        const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
        if (scrollHeight - scrollTop - clientHeight < 60) {
            this.#follows = true;
            this.#newest.hidden = true;
        } else if (scrollTop < this.#top) {
            this.#follows = false;
        }
        this.#top = scrollTop;
    }

    #scrollToEnd(behavior = "instant") {
        this.#follows = true;
        this.#scroller.scrollTo({ top: this.#scroller.scrollHeight, behavior });
        this.#newest.hidden = true;
    }
}
