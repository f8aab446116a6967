// Node's `ws` with the load generator's contract: the replies are cut from the request's text, as Socket.IO's own server for Node
// is not packaged for Debian. It does less than that server does.
const { WebSocketServer } = require("ws");

const rooms = new Map();
let count = 0;

const server = new WebSocketServer({ port: Number(process.argv[2]), host: "127.0.0.1", perMessageDeflate: false });

server.on("connection", (socket) => {
    let head;
    socket.send(JSON.stringify({
        sid: `node${++count}`, upgrades: [], pingInterval: 3600000, pingTimeout: 20000, maxPayload: 1000000,
    }).replace(/^/, "0"));
    socket.on("message", (data, isBinary) => {
        if (isBinary) return reply(socket, head, data);
        const text = data.toString();
        if (text.startsWith("40")) socket.send(`40{"sid":"socket${count}-${Math.random()}"}`);
        else if (text.startsWith("42")) event(socket, text);
        else if (text.startsWith("45")) head = text;
    });
    socket.on("close", () => { for (const members of rooms.values()) members.delete(socket); });
});

function event(socket, text) {
    const start = text.indexOf("[");
    const id = text.slice(2, start);
    const [name, ...values] = JSON.parse(text.slice(start));
    if (name === "echo") {
        socket.send(id ? `43${id}${JSON.stringify(values)}` : `42${JSON.stringify([name, ...values])}`);
    } else if (name === "broadcast") {
        const packet = Buffer.from(`42${JSON.stringify([name, ...values])}`);
        for (const client of server.clients) client.send(packet, { binary: false });
    } else if (name === "join") {
        if (!rooms.has(values[0])) rooms.set(values[0], new Set());
        rooms.get(values[0]).add(socket);
        socket.send(`43${id}[]`);
    } else if (name === "to-room") {
        const packet = Buffer.from(`42${JSON.stringify(["room", values[1]])}`);
        for (const client of rooms.get(values[0])) client.send(packet, { binary: false });
    }
}

function reply(socket, head, data) {
    const id = head.slice(4, head.indexOf("["));
    socket.send(id ? `461-${id}[{"_placeholder":true,"num":0}]` : head);
    socket.send(data);
}
