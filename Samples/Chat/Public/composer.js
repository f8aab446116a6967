// The field at the bottom: text, a picture by button, paste or drop, and whether somebody is typing.

import { imageURL, readImage } from "./images.js";

const TYPING_REPEAT = 2000, TYPING_PAUSE = 4000; // milliseconds
const find = (id) => document.getElementById(id);

export class Composer {
    #text = find("text");
    #image = null;
    #typingSince = 0;
    #pause;
    #onTyping;

    /** `send({ text, image })` and `typing(active)` are called as the names say. */
    constructor({ send, typing }) {
        this.#onTyping = typing;
        find("composer").addEventListener("submit", (event) => {
            event.preventDefault();
            const text = this.#text.value.trim();
            if (!text && !this.#image) return;
            this.#stopTyping();
            send({ text, image: this.#image });
            this.#text.value = "";
            this.#setImage(null);
            this.#grow();
        });
        this.#text.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            find("composer").requestSubmit();
        });
        this.#text.addEventListener("input", () => {
            this.#grow();
            this.#noteTyping();
        });
        this.#acceptImages();
    }

    focus() {
        this.#text.focus();
    }

    showError(text) {
        find("composer-error").textContent = text;
    }

    #acceptImages() {
        const take = (files) => files.length > 0 && this.#take(files[0]);
        find("attach").addEventListener("click", () => find("file").click());
        find("file").addEventListener("change", ({ target }) => {
            take(target.files);
            target.value = "";
        });
        find("preview-remove").addEventListener("click", () => {
            this.#setImage(null);
            this.focus();
        });
        this.#text.addEventListener("paste", (event) => {
            if (event.clipboardData.files.length === 0) return;
            event.preventDefault();
            take(event.clipboardData.files);
        });
        const room = find("conversation");
        room.addEventListener("dragover", (event) => {
            if (!event.dataTransfer.types.includes("Files")) return;
            event.preventDefault();
            room.classList.add("dropping");
        });
        room.addEventListener("dragleave", (event) => {
            if (!room.contains(event.relatedTarget)) room.classList.remove("dropping");
        });
        room.addEventListener("drop", (event) => {
            event.preventDefault();
            room.classList.remove("dropping");
            take(event.dataTransfer.files);
        });
    }

    async #take(file) {
        this.showError("");
        try {
            this.#setImage(await readImage(file));
        } catch (error) {
            this.showError(error.message);
        }
        this.focus();
    }

    #setImage(image) {
        URL.revokeObjectURL(find("preview-image").src);
        this.#image = image;
        find("preview").hidden = image === null;
        if (image) find("preview-image").src = imageURL(image);
        else find("preview-image").removeAttribute("src");
    }

    #grow() {
        this.#text.style.height = "auto";
        this.#text.style.height = `${this.#text.scrollHeight}px`;
    }

    #noteTyping() {
        if (this.#text.value.trim() === "") return this.#stopTyping();
        if (Date.now() - this.#typingSince > TYPING_REPEAT) {
            this.#typingSince = Date.now();
            this.#onTyping(true);
        }
        clearTimeout(this.#pause);
        this.#pause = setTimeout(() => this.#stopTyping(), TYPING_PAUSE);
    }

    #stopTyping() {
        clearTimeout(this.#pause);
        if (this.#typingSince > 0) this.#onTyping(false);
        this.#typingSince = 0;
    }
}

/** Who is typing; a name disappears by itself when nothing more is heard of it. */
export class TypingLine {
    #names = new Map();

    set(name, active) {
        clearTimeout(this.#names.get(name));
        if (active) this.#names.set(name, setTimeout(() => this.set(name, false), TYPING_PAUSE + 1000));
        else this.#names.delete(name);
        this.#render();
    }

    clear() {
        this.#names.forEach((timer) => clearTimeout(timer));
        this.#names.clear();
        this.#render();
    }

    #render() {
        const names = [...this.#names.keys()];
        find("typing").classList.toggle("active", names.length > 0);
        find("typing").textContent = names.length === 0 ? ""
            : names.length === 1 ? `${names[0]} is typing`
            : names.length === 2 ? `${names[0]} and ${names[1]} are typing`
            : "Several people are typing";
    }
}
