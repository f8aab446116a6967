// Three clients of the server, one for each way of authentication, and what each of them sees.

const find = (id) => document.getElementById(id);
const reconnection = { reconnectionDelayMax: 5000 };

// Tokens live as long as the page: what isn't stored can't be read there by a script that doesn't belong here.
let token = "";
let jwt = "";

// A connection of its own: the cookie that counts is the one that the connection was opened with.
const session = watch("session", io("/session", { autoConnect: false, forceNew: true, ...reconnection }));
const admin = watch("session", io("/admin", { autoConnect: false, forceNew: true, ...reconnection }));
const bearer = watch("token", io("/token", { autoConnect: false, auth: (answer) => answer({ token }), ...reconnection }));
const web = watch("jwt", io("/jwt", { autoConnect: false, auth: (answer) => answer({ token: jwt }), ...reconnection }));

web.on("refresh", async (left, answer) => {
    say("jwt", `asked for a new token, ${Math.round(left / 1000)} s before the end`);
    if (find("renews").checked && (await issue())) answer({ token: jwt });
});
web.on("connect_error", async (error) => {
    // The one refusal that the page can mend by itself.
    if (error.data?.code === 4402 && find("renews").checked && (await issue())) web.connect();
});

const actions = {
    session: {
        ask: () => ask("session", "/session/me"),
        connect: () => session.connect(),
        admin: () => admin.connect(),
        signOut: () => ask("session", "/sign-out", { method: "POST" }),
    },
    token: {
        ask: () => ask("token", "/tokens/me", { headers: authorization(token) }),
        connect: () => bearer.connect(),
        revoke: () => ask("token", "/tokens/mine", { method: "DELETE", headers: authorization(token) }),
    },
    jwt: {
        issue,
        ask: () => ask("jwt", "/jwt/me", { headers: authorization(jwt) }),
        connect: () => web.connect(),
    },
};

for (const button of document.querySelectorAll("[data-do]")) {
    const way = button.closest("section").id;
    button.addEventListener("click", () => actions[way][button.dataset.do]());
}

find("sign-in").addEventListener("submit", async (event) => {
    event.preventDefault();
    const way = event.submitter?.value ?? "session";
    const body = new URLSearchParams({ name: event.target.name.value, password: event.target.password.value });
    const response = await fetch(way === "session" ? "/sign-in" : "/tokens", { method: "POST", body });
    find("problem").textContent = response.ok ? "" : await response.text();
    if (!response.ok) return;
    const answer = await response.json();
    if (way === "token") token = answer.token;
    say(way, way === "token" ? "got a token" : `signed in as ${answer.name}`);
});

/** Gets a JWT for the session or, where there is none, for the opaque token. */
async function issue() {
    const response = await fetch("/jwt", { method: "POST", headers: authorization(token) });
    if (!response.ok) return say("jwt", `no token: ${response.status} ${await response.text()}`);
    const { token: issued, expires } = await response.json();
    jwt = issued;
    find("left").textContent = `until ${new Date(expires).toLocaleTimeString()}`;
    say("jwt", "got a token");
    return true;
}

async function ask(way, path, options) {
    const response = await fetch(path, options);
    say(way, `HTTP ${response.status} ${await response.text()}`);
}

/** Shows what becomes of a socket. */
function watch(way, socket) {
    socket.on("connect", async () => {
        const user = await socket.emitWithAck("whoami");
        say(way, `${socket.nsp} is connected as ${user.name}, ${user.role}`);
    });
    socket.on("connect_error", (error) => say(way, `${socket.nsp} refused: ${error.message} ${error.data?.code ?? ""}`));
    socket.on("disconnect", (reason) => say(way, `${socket.nsp} ended: ${reason}`));
    return socket;
}

function say(way, text) {
    const line = document.createElement("li");
    line.textContent = text;
    find(way).querySelector(".log").prepend(line);
}

function authorization(token) {
    return token ? { Authorization: `Bearer ${token}` } : {};
}
