// Rooms, people and oneself; a drawer on narrow screens.

import { avatar, dressAvatar, element } from "./elements.js";

const find = (id) => document.getElementById(id);

export class Sidebar {
    #narrow = window.matchMedia("(max-width: 760px)");
    #isOpen = false;
    #rooms = [];
    #current = null;

    /** `enter(room)` is called when somebody chooses or opens a room. */
    constructor({ enter }) {
        find("room-form").addEventListener("submit", (event) => {
            event.preventDefault();
            enter(find("room-name").value.trim());
            find("room-name").value = "";
            this.open(false);
        });
        find("rooms").addEventListener("click", (event) => {
            const button = event.target.closest("button");
            if (!button) return;
            enter(button.dataset.room);
            this.open(false);
        });
        find("menu").addEventListener("click", () => this.open(true));
        find("backdrop").addEventListener("click", () => this.open(false));
        document.addEventListener("keydown", (event) => {
            if (event.key === "Escape" && this.#isOpen) this.open(false);
        });
        this.#narrow.addEventListener("change", () => this.#apply());
        this.#apply();
    }

    open(isOpen) {
        if (!this.#narrow.matches || isOpen === this.#isOpen) return;
        this.#isOpen = isOpen;
        this.#apply();
        if (isOpen) find("sidebar").querySelector("[aria-current], button").focus();
        else find("menu").focus();
    }

    showMe(name) {
        dressAvatar(find("my-avatar"), name);
        find("my-name").textContent = name;
    }

    showStatus(text, isConnected) {
        find("status").textContent = text;
        find("status").classList.toggle("connected", isConnected);
    }

    showRooms(rooms) {
        this.#rooms = rooms;
        this.#renderRooms();
    }

    showRoom(name, users, me) {
        this.#current = name;
        find("room-title").textContent = name;
        find("room-summary").textContent = users.length === 1 ? "1 person" : `${users.length} people`;
        find("people-count").textContent = users.length;
        const sorted = users.toSorted((one, other) => one.localeCompare(other));
        find("people").replaceChildren(...sorted.map((user) => element("li", {}, [
            avatar(user),
            element("span", { className: "name", textContent: user }),
            ...(user === me ? [element("span", { className: "muted", textContent: "you" })] : []),
        ])));
        this.#renderRooms();
    }

    #renderRooms() {
        const focused = document.activeElement?.dataset?.room;
        find("rooms").replaceChildren(...this.#rooms.map(({ name, members }) => {
            const button = element("button", { type: "button" }, [
                element("span", { className: "name", textContent: name }),
                element("span", { className: "count", textContent: members || "", ariaHidden: "true" }),
                element("span", { className: "visually-hidden", textContent: members === 1 ? "1 person" : `${members} people` }),
            ]);
            button.dataset.room = name;
            if (name === this.#current) button.setAttribute("aria-current", "true");
            return element("li", {}, [button]);
        }));
        if (focused) find("rooms").querySelector(`[data-room="${CSS.escape(focused)}"]`)?.focus();
    }

    #apply() {
        const isDrawer = this.#narrow.matches;
        if (!isDrawer) this.#isOpen = false;
        find("chat").classList.toggle("drawer-open", this.#isOpen);
        find("sidebar").inert = isDrawer && !this.#isOpen;
        find("conversation").inert = this.#isOpen;
        find("menu").setAttribute("aria-expanded", String(this.#isOpen));
    }
}
