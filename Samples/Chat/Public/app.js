// The chat page: signs in over HTTP, then talks to the namespace /chat over Socket.IO.

import { Composer, TypingLine } from "./composer.js";
import { MessageLog } from "./log.js";
import { keepConnected } from "./reconnect.js";
import { Sidebar } from "./sidebar.js";

const ANSWER_TIMEOUT = 10_000; // milliseconds
const UNKNOWN_TOKEN = 4401; // the code in the ConnectError of the server
const find = (id) => document.getElementById(id);

// A tab's session survives a reload: { name, token, room }.
let session = JSON.parse(sessionStorage.getItem("session") ?? "null");
let room = null; // the one that is shown
let people = [];
let joined = false; // false until the server has answered `join`
let early = []; // messages that came before the history
let unread = 0;
const outbox = new Map(); // one's own messages without a receipt, by key

const log = new MessageLog();
const typingLine = new TypingLine();
const sidebar = new Sidebar({ enter: (wanted) => socket.connected && enter(wanted) });
const composer = new Composer({
    send,
    typing: (active) => joined && socket.volatile.emit("typing", { active }),
});

const socket = io("/chat", {
    auth: (answer) => answer({ token: session?.token ?? "" }),
    autoConnect: false,
    reconnection: false,
    timeout: 5000,
});
const tryNow = keepConnected(socket, {
    waiting: (seconds, attempt) => showBanner(`Connection lost. Reconnecting in ${seconds} s, attempt ${attempt}.`, true),
    attempting: (attempt) => showBanner(`Connection lost. Reconnecting now, attempt ${attempt}.`, false),
    restored: showRestored,
    refused,
});

// MARK: signing in

find("login-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const error = await logIn(find("name").value);
    if (error) return showLogin(error);
    start();
});

find("logout").addEventListener("click", async () => {
    socket.disconnect();
    await post("/api/logout", { token: session.token }).catch(() => {});
    sessionStorage.removeItem("session");
    location.reload();
});

/** Returns what went wrong, if anything. */
async function logIn(name) {
    try {
        const response = await post("/api/login", { name });
        if (!response.ok) return await response.text();
        const answer = await response.json();
        save({ name: answer.name, token: answer.token, room: session?.room ?? "Lobby" });
    } catch {
        return "The server cannot be reached.";
    }
}

/** The handshake was refused. A server that was restarted has forgotten the token, so get another one quietly. */
async function refused(error) {
    if (error.data?.code !== UNKNOWN_TOKEN) return showLogin(error.message);
    const problem = await logIn(session.name);
    if (problem) showLogin(`${error.message} ${problem}`);
    else socket.connect();
}

function post(path, body) {
    return fetch(path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
    });
}

function save(changes) {
    session = { ...session, ...changes };
    sessionStorage.setItem("session", JSON.stringify(session));
}

function showLogin(error = "") {
    find("chat").hidden = true;
    find("login").hidden = false;
    find("login-error").textContent = error;
    find("name").setAttribute("aria-invalid", String(error !== ""));
    find("name").value ||= session?.name ?? "";
    find("name").focus();
}

function start() {
    find("login").hidden = true;
    find("chat").hidden = false;
    find("banner").hidden = true;
    sidebar.showMe(session.name);
    socket.connect();
}

// MARK: rooms

socket.on("connect", () => {
    sidebar.showStatus("Connected", true);
    enter(session.room);
});

socket.on("disconnect", () => {
    joined = false;
    typingLine.clear();
    sidebar.showStatus("Not connected", false);
});

socket.on("rooms", (rooms) => sidebar.showRooms(rooms));

async function enter(wanted) {
    if (joined && wanted === room) return composer.focus();
    joined = false;
    composer.showError("");
    const { value: state, error } = await ask("join", { room: wanted });
    joined = socket.connected;
    if (error) composer.showError(error);
    if (state) {
        if (state.room !== room) log.clear();
        room = state.room;
        save({ room });
        typingLine.clear();
        showPeople(state.users);
        state.history.forEach(show);
    }
    early.forEach((message) => show(message));
    early = [];
    outbox.forEach(transmit);
    if (window.matchMedia("(hover: hover)").matches) composer.focus();
}

socket.on("joined", (arrival) => {
    if (arrival.room !== room) return;
    if (!people.includes(arrival.name)) log.notice(`${arrival.name} joined`);
    showPeople(arrival.users);
});

socket.on("left", (arrival) => {
    if (arrival.room !== room) return;
    if (!arrival.users.includes(arrival.name)) log.notice(`${arrival.name} left`);
    typingLine.set(arrival.name, false);
    showPeople(arrival.users);
});

function showPeople(users) {
    people = users;
    sidebar.showRoom(room, users, session.name);
}

// MARK: messages

socket.on("message", (message) => {
    if (!joined) return early.push(message);
    typingLine.set(message.author, false);
    show(message);
    if (document.hidden && message.room === room) showUnread(unread + 1);
});

socket.on("delivered", ({ key }) => log.setState(key, "delivered"));

socket.on("typing", ({ name, active }) => typingLine.set(name, active));

function show(message) {
    if (message.room !== room) return;
    if (message.author === session.name) {
        outbox.delete(message.key);
        log.add(message, message.delivered ? "delivered" : "sent");
    } else {
        log.add(message);
        if (!message.delivered) socket.emit("received", { id: message.id });
    }
}

function send({ text, image }) {
    const key = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");
    const message = { key, room, author: session.name, text, image, time: Date.now() };
    outbox.set(key, message);
    log.add(message, "waiting");
    composer.showError("");
    if (joined) transmit(message);
}

/** Without a receipt, the message stays in the outbox until the room is entered again. */
async function transmit(message) {
    if (message.room !== room) return;
    log.add(message, "waiting");
    const { key, text, image } = message;
    const { value: receipt, error } = await ask("message", image ? { key, text, image } : { key, text });
    if (receipt) {
        log.setState(key, "sent");
    } else if (error) {
        log.setState(key, "failed");
        composer.showError(error);
    }
    if (receipt || error) outbox.delete(key);
}

/** Emits an event and gives the server's answer, `{ value }` or `{ error }`; `{}` when the connection was lost. */
async function ask(event, payload) {
    try {
        return await socket.timeout(ANSWER_TIMEOUT).emitWithAck(event, payload);
    } catch {
        return socket.connected ? { error: "The server does not answer." } : {};
    }
}

// MARK: connection

find("retry").addEventListener("click", tryNow);

function showBanner(text, canRetry) {
    // Screen readers hear it once, not every second.
    if (find("banner").hidden || find("banner").classList.contains("restored")) {
        find("announcer").textContent = "Connection lost. Reconnecting.";
    }
    find("banner").hidden = false;
    find("banner").classList.remove("restored");
    find("banner-text").textContent = text;
    find("retry").hidden = !canRetry;
    sidebar.showStatus("Reconnecting", false);
}

function showRestored() {
    find("banner-text").textContent = find("announcer").textContent = "Connection restored.";
    find("banner").classList.add("restored");
    find("retry").hidden = true;
    setTimeout(() => {
        if (socket.connected) find("banner").hidden = true;
    }, 3000);
}

function showUnread(count) {
    unread = count;
    document.title = count > 0 ? `(${count}) Parley Chat` : "Parley Chat";
}

document.addEventListener("visibilitychange", () => document.hidden || showUnread(0));

if (session) start();
else showLogin();
