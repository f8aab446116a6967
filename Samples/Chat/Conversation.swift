import Parley

/// What happens on the namespace `/chat`.
struct Conversation: Sendable {
    static let imageTypes: Set = ["image/png", "image/jpeg", "image/gif", "image/webp"]
    let users: Users
    let rooms = Rooms()

    func serve(on chat: Namespace) {
        chat.use { handshake in
            guard let user = users.user(token: try handshake.auth("token", as: String.self)) else {
                throw ConnectError("Please sign in again.", data: ["code": 4401])
            }
            handshake[User.self] = user
        }
        chat.onConnection { socket in
            let user = try socket.require(User.self)
            users.connected(user)
            socket.join(user.room)
            socket.emit("rooms", rooms.summaries)
        }
        chat.onDisconnect { socket, _ in
            let user = try socket.require(User.self)
            leave(socket, user)
            users.disconnected(user)
        }
        chat.on("join") { (socket, request: JoinRequest) -> Answer<RoomState> in
            try join(socket, socket.require(User.self), request)
        }
        chat.on("message") { (socket, message: NewMessage) -> Answer<Receipt> in
            try post(socket, socket.require(User.self), message)
        }
        chat.on("received") { (socket, received: Received) in
            let user = try socket.require(User.self)
            guard let room = socket.place, let message = rooms.deliver(received.id, in: room, to: user) else {
                return
            }
            chat.to(User.room(of: message.author)).emit("delivered", Delivered(key: message.key))
        }
        chat.on("typing") { (socket, typing: Typing) in
            guard let room = socket.place, let user = socket[User.self] else { return }
            socket.to(room).volatile.emit("typing", Typing(name: user.name, active: typing.active))
        }
    }

    private func join(_ socket: Socket, _ user: User, _ request: JoinRequest) -> Answer<RoomState> {
        guard let name = validName(request.room) else {
            return Answer(error: "A room's name has \(nameRule).")
        }
        leave(socket, user)
        // Before the history is taken: what is said in between arrives twice rather than never.
        socket.join(name)
        socket.place = name
        let state = rooms.join(name, socketID: socket.id, user: user)
        socket.to(name).emit("joined", Arrival(room: name, name: user.name, users: state.users))
        socket.namespace.emit("rooms", rooms.summaries)
        return Answer(value: state)
    }

    private func leave(_ socket: Socket, _ user: User) {
        guard let name = socket.place else { return }
        socket.place = nil
        socket.leave(name)
        let remaining = rooms.leave(name, socketID: socket.id)
        socket.to(name).emit("left", Arrival(room: name, name: user.name, users: remaining))
        socket.namespace.emit("rooms", rooms.summaries)
    }

    private func post(_ socket: Socket, _ user: User, _ message: NewMessage) -> Answer<Receipt> {
        guard let room = socket.place else { return Answer(error: "Join a room first.") }
        guard message.text.utf8.count <= 8_000, message.key.utf8.count <= 64 else {
            return Answer(error: "The message is too long.")
        }
        if let image = message.image, image.data.count > 500_000 || !Self.imageTypes.contains(image.type) {
            return Answer(error: "Only PNG, JPEG, GIF and WebP up to 500 kB can be sent.")
        }
        let posted = rooms.post(message, in: room, author: user)
        socket.to(room).emit("message", posted)
        return Answer(value: Receipt(id: posted.id, time: posted.time))
    }
}

/// The room where a socket is now, in the socket's own storage.
private struct Place: Sendable {
    let room: String
}

extension Socket {
    fileprivate var place: String? {
        get { self[Place.self]?.room }
        set { self[Place.self] = newValue.map(Place.init) }
    }
}
