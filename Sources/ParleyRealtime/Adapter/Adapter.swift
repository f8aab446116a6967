/// Who knows which sockets are in which rooms, and carries broadcasts to them: in memory, or across servers.
/// An adapter knows rooms and targets, never the wire format. Every method may be called from any thread.
public protocol Adapter: Sendable {
    /// A socket joins the namespace.
    func add(_ socket: Socket)
    /// A socket leaves the namespace and all its rooms.
    func remove(_ socket: Socket)
    /// A socket joins rooms. Does nothing for a socket that left the namespace.
    func join(_ socket: Socket, _ rooms: [String])
    /// A socket leaves rooms; rooms that nobody is in any more are gone.
    func leave(_ socket: Socket, _ rooms: [String])
    /// The rooms of a socket, with its own; empty when it left.
    func rooms(of socket: Socket) -> Set<String>
    /// The ids of this server's sockets, by room; without the sockets' own rooms.
    func rooms() -> [String: [String]]
    /// This server's sockets that a broadcast to the target reaches, each once.
    func sockets(in target: BroadcastTarget) -> [Socket]
    /// Delivers the message to every socket that the target covers; to this server's before it returns, as with connection
    /// state recovery the order of broadcasts is that of these calls. It must not call the application's code.
    func broadcast(_ message: BroadcastMessage, to target: BroadcastTarget)
}

/// Whom a broadcast reaches.
public struct BroadcastTarget: Sendable, Equatable {
    /// The rooms whose members it reaches, each once; empty: everybody in the namespace. A socket's id is its own room.
    public var rooms: [String] = []
    /// The rooms (or ids) whose members it does not reach.
    public var except: [String] = []
    /// The socket that it comes from, and does not reach.
    public var sender: String?
    /// Whether it stays on this server.
    public var isLocal = false

    /// Everybody.
    public init() {}
}

/// An event on its way to many sockets, encoded once.
public struct BroadcastMessage: Sendable {
    let packet: EncodedPacket
    let delivery: Delivery
    /// With connection state recovery, what the sockets are to remember of the event.
    var numbered: NumberedBroadcast?

    /// Whether it is dropped for sockets that can't take it at once.
    public var isVolatile: Bool { delivery.isVolatile }

    /// Delivers the event to one of this server's sockets.
    public func deliver(to socket: Socket) {
        guard let numbered else {
            socket.deliver(packet, delivery)
            return
        }
        deliver(to: socket, numbered)
    }
}
