import Parley

/// The room where a socket is now; kept in the socket's own storage.
struct Place: Sendable {
    var room: String?
}

/// What happens on the namespace `/chat`.
struct Conversation: Sendable {
    static let imageTypes: Set = ["image/png", "image/jpeg", "image/gif", "image/webp"]
    let users: Users
    let rooms = Rooms()

    func serve(on chat: Namespace) {
        chat.use { handshake in
            guard let token = try? handshake.auth("token", as: String.self),
                let user = users.user(token: token)
            else { throw ConnectError("Please sign in again.", data: ["code": 4401]) }
            handshake[User.self] = user
            handshake[Place.self] = Place()
        }
        chat.onConnection { socket in
            users.connected(socket[User.self])
            socket.join(personalRoom(socket[User.self].name))
            socket.emit("rooms", rooms.summaries)
        }
        chat.onDisconnect { socket, _ in
            leave(socket)
            users.disconnected(socket[User.self])
        }
        chat.on("join") { (socket, request: JoinRequest) -> Answer<RoomState> in join(socket, request) }
        chat.on("message") { (socket, message: NewMessage) -> Answer<Receipt> in post(socket, message) }
        chat.on("received") { (socket, received: Received) in
            let name = socket[User.self].name
            guard let room = socket[Place.self].room,
                let message = rooms.deliver(received.id, in: room, to: name)
            else { return }
            chat.to(personalRoom(message.author)).emit("delivered", Delivered(key: message.key))
        }
        chat.on("typing") { (socket, typing: Typing) in
            guard let room = socket[Place.self].room else { return }
            socket.to(room).volatile.emit(
                "typing", Typing(name: socket[User.self].name, active: typing.active))
        }
    }

    private func join(_ socket: Socket, _ request: JoinRequest) -> Answer<RoomState> {
        guard let name = validName(request.room) else {
            return Answer(error: "A room's name has \(nameRule).")
        }
        leave(socket)
        let user = socket[User.self].name
        // Before the history is taken: what is said in between arrives twice rather than never.
        socket.join(name)
        socket[Place.self].room = name
        let state = rooms.join(name, socketID: socket.id, user: user)
        socket.to(name).emit("joined", Arrival(room: name, name: user, users: state.users))
        socket.namespace.emit("rooms", rooms.summaries)
        return Answer(value: state)
    }

    private func leave(_ socket: Socket) {
        guard let name = socket[Place.self].room else { return }
        socket[Place.self].room = nil
        socket.leave(name)
        let remaining = rooms.leave(name, socketID: socket.id)
        socket.to(name).emit("left", Arrival(room: name, name: socket[User.self].name, users: remaining))
        socket.namespace.emit("rooms", rooms.summaries)
    }

    private func post(_ socket: Socket, _ message: NewMessage) -> Answer<Receipt> {
        guard let room = socket[Place.self].room else { return Answer(error: "Join a room first.") }
        guard message.text.utf8.count <= 8_000, message.key.utf8.count <= 64 else {
            return Answer(error: "The message is too long.")
        }
        if let image = message.image, image.data.count > 500_000 || !Self.imageTypes.contains(image.type) {
            return Answer(error: "Only PNG, JPEG, GIF and WebP up to 500 kB can be sent.")
        }
        let posted = rooms.post(message, in: room, author: socket[User.self].name)
        socket.to(room).emit("message", posted)
        return Answer(value: Receipt(id: posted.id, time: posted.time))
    }

    /// Every socket of a user is in this room. No room of the chat can be called so.
    private func personalRoom(_ user: String) -> String { "user:" + user }
}
