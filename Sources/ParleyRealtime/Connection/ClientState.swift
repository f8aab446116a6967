import ParleyTransport
import ParleyWire

/// What a client's connection knows: its sockets, the handshakes under way, and the packet whose attachments
/// are awaited.
struct ClientState {
    /// The socket of the root namespace, apart: most clients have no other.
    private var root: Socket?
    private var others: [String: Socket] = [:]
    private var handshakes: [String: UnfinishedHandshake] = [:]
    private var attempts: UInt64 = 0
    private var assembly: BinaryAssembly?
    private var isWatched = false
    private var isClosed = false
    private static let rememberedExpulsions = 256
    /// The namespaces that the server made the client leave: what the client sends before it knows is no violation.
    private var expelled: Set<String> = []
    /// The sockets that the client made leave while their handlers still run.
    private var departing = 0

    var sockets: [Socket] {
        (root.map { [$0] } ?? []) + others.values
    }

    var isInRoot: Bool { root != nil || handshakes["/"] != nil }

    var hasNoNamespace: Bool { root == nil && others.isEmpty && !isClosed }

    /// The name of a packet's namespace.
    static func name(_ head: SocketIOPacketHead, _ text: Span<UInt8>) -> String {
        guard let range = head.namespace else { return "/" }
        return text.extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }

    /// The socket that a packet is for; nil when the server made the client leave the namespace, which it may not know yet.
    /// No packet may come between a binary packet and its attachments.
    func recipient(_ head: SocketIOPacketHead, _ text: Span<UInt8>) throws(SocketIOError) -> Socket? {
        guard assembly == nil else { throw .malformed("text packet while attachments are awaited") }
        if head.namespace == nil, let root { return root }
        let name = Self.name(head, text)
        if let socket = others[name] { return socket }
        guard expelled.contains(name) else {
            throw .malformed("packet for a namespace that the client is not in")
        }
        return nil
    }

    // MARK: Attachments

    /// Returns true when nobody watches yet for attachments that never come.
    mutating func begin(_ assembly: BinaryAssembly) -> Bool {
        self.assembly = assembly
        defer { isWatched = true }
        return !isWatched
    }

    /// Adds an attachment; returns the packet when it is complete.
    mutating func attach(_ binary: [UInt8], limit: Int) throws(SocketIOError) -> BinaryAssembly? {
        guard let pending = assembly else { throw .malformed("binary message without a packet") }
        guard pending.bytes + binary.count <= limit else {
            throw .limit("attachments of more than \(limit) bytes")
        }
        assembly?.attachments.append(binary)
        assembly?.bytes += binary.count
        guard let complete = assembly, complete.attachments.count == complete.head.attachments else {
            return nil
        }
        assembly = nil
        return complete
    }

    enum AssemblyCheck { case idle, expired, wait(Duration) }

    mutating func checkAssembly(now: MonotonicInstant, timeout: Duration) -> AssemblyCheck {
        guard let assembly, !isClosed else {
            isWatched = false
            return .idle
        }
        let age = assembly.begin.duration(to: now)
        return age >= timeout ? .expired : .wait(timeout - age)
    }

    // MARK: Namespaces

    /// Reserves the namespace for a handshake. False: the client is gone.
    mutating func reserve(_ name: String, limit: Int) throws(SocketIOError) -> Bool {
        guard !isClosed else { return false }
        guard assembly == nil else { throw .malformed("text packet while attachments are awaited") }
        guard handshakes[name] == nil, name == "/" ? root == nil : others[name] == nil else {
            throw .malformed("CONNECT to a namespace twice")
        }
        guard others.count + handshakes.count < limit else {
            throw .limit("more than \(limit) namespaces a client")
        }
        handshakes[name] = UnfinishedHandshake()
        expelled.remove(name)
        return true
    }

    /// A task is about to begin the handshake, or begin it anew.
    mutating func beginAttempt(_ name: String) -> UInt64 {
        attempts += 1
        handshakes[name]?.attempt = attempts
        return attempts
    }

    /// Keeps the task, to cancel it when the client goes. It may be over by now, and the next attempt begun. False: the
    /// client is gone already.
    mutating func keep(_ task: Task<Void, Never>, for name: String, attempt: UInt64) -> Bool {
        guard !isClosed else { return false }
        if handshakes[name]?.attempt == attempt { handshakes[name]?.task = task }
        return true
    }

    mutating func admit(_ socket: Socket) -> Bool {
        guard release(socket.namespace.name) else { return false }
        if socket.namespace.name == "/" {
            root = socket
        } else {
            others[socket.namespace.name] = socket
        }
        return true
    }

    /// Ends the handshake. False: the client is gone.
    mutating func release(_ name: String) -> Bool {
        handshakes.removeValue(forKey: name) != nil && !isClosed
    }

    private mutating func remove(_ socket: Socket) {
        if root === socket { root = nil }
        if others[socket.namespace.name] === socket { others[socket.namespace.name] = nil }
    }

    /// The server made the socket leave.
    mutating func expel(_ socket: Socket) {
        guard !isClosed else { return }
        remove(socket)
        // Namespaces may be any number, as clients make dynamic ones by asking; one that is forgotten has had its time.
        if expelled.count >= Self.rememberedExpulsions { expelled.removeFirst() }
        expelled.insert(socket.namespace.name)
    }

    /// The client left the socket's namespace. It may join again at once, but not without end while its former sockets'
    /// handlers still run.
    mutating func depart(_ socket: Socket, limit: Int) throws(SocketIOError) {
        guard departing < limit else {
            throw .limit("more than \(limit) sockets that left are still being handled")
        }
        remove(socket)
        departing += 1
    }

    mutating func departed() { departing -= 1 }

    mutating func close() -> ([Socket], [Task<Void, Never>]) {
        isClosed = true
        defer {
            root = nil
            others = [:]
            handshakes = [:]
            assembly = nil
            expelled = []
        }
        return (sockets, handshakes.values.compactMap(\.task))
    }
}

/// A handshake under way.
private struct UnfinishedHandshake {
    /// Which of the client's attempts its task is.
    var attempt: UInt64 = 0
    var task: Task<Void, Never>?
}

/// A binary packet that waits for its attachments.
struct BinaryAssembly {
    let head: SocketIOPacketHead
    let json: [UInt8]
    /// Nil when nobody waits for the packet any more.
    let socket: Socket?
    let begin: MonotonicInstant
    var bytes = 0
    var attachments: [[UInt8]] = []
}
