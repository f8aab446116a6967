import ParleyTransport
import ParleyWire

/// Several ``Realtime`` servers of one process that behave as one: for tests of what an application does across servers,
/// without a Redis.
///
/// ```swift
/// let cluster = InMemoryCluster()
/// var options = RealtimeOptions()
/// options.adapter = cluster.adapter
/// let servers = [Realtime(options: options), Realtime(options: options)]
/// ```
public final class InMemoryCluster: Sendable {
    private let members = Lock<[String: [WeakAdapter]]>([:])

    private struct WeakAdapter: Sendable {
        weak var adapter: InMemoryClusterAdapter?
    }

    /// A cluster without servers.
    public init() {}

    /// Makes the adapter of a namespace: set `RealtimeOptions.adapter` to it.
    public var adapter: @Sendable (String) -> any Adapter {
        { name in
            let adapter = InMemoryClusterAdapter(cluster: self, name: name)
            self.members.withLock { members in
                members[name, default: []].removeAll { $0.adapter == nil }
                members[name, default: []].append(WeakAdapter(adapter: adapter))
            }
            return adapter
        }
    }

    fileprivate func servers(_ name: String) -> [InMemoryClusterAdapter] {
        members.withLock { $0[name]?.compactMap(\.adapter) ?? [] }
    }

    fileprivate func remove(_ adapter: InMemoryClusterAdapter) {
        members.withLock { members in
            members[adapter.name]?.removeAll { $0.adapter == nil || $0.adapter === adapter }
            if members[adapter.name]?.isEmpty == true { members[adapter.name] = nil }
        }
    }
}

/// One server's share of a namespace in an ``InMemoryCluster``.
private final class InMemoryClusterAdapter: Adapter {
    let name: String
    private let cluster: InMemoryCluster
    private let own = InMemoryAdapter()
    private let home = Lock(Home())
    private let outbox = Lock(Outbox())

    private struct Home {
        weak var namespace: Namespace?
    }

    /// What is on its way to the other servers.
    private struct Outbox {
        var broadcasts: [(message: BroadcastMessage, target: BroadcastTarget)] = []
        var isSending = false

        /// What is to be sent next; nothing ends the sending.
        mutating func takeAll() -> [(message: BroadcastMessage, target: BroadcastTarget)] {
            defer { broadcasts = [] }
            isSending = !broadcasts.isEmpty
            return broadcasts
        }
    }

    init(cluster: InMemoryCluster, name: String) {
        self.cluster = cluster
        self.name = name
    }

    private func servers(_ target: BroadcastTarget) -> [InMemoryClusterAdapter] {
        target.isLocal ? [self] : cluster.servers(name)
    }

    private var others: [InMemoryClusterAdapter] { cluster.servers(name).filter { $0 !== self } }

    func attach(to namespace: Namespace) { home.withLock { $0.namespace = namespace } }
    func close() { cluster.remove(self) }

    // MARK: This server's sockets and rooms

    func add(_ socket: Socket) { own.add(socket) }
    func remove(_ socket: Socket) { own.remove(socket) }
    func join(_ socket: Socket, _ rooms: [String]) { own.join(socket, rooms) }
    func leave(_ socket: Socket, _ rooms: [String]) { own.leave(socket, rooms) }
    func rooms(of socket: Socket) -> Set<String> { own.rooms(of: socket) }
    func rooms() -> [String: [String]] { own.rooms() }
    func sockets(in target: BroadcastTarget) -> [Socket] { own.sockets(in: target) }
    func observeRooms(_ observer: RoomObserver?) { own.observeRooms(observer) }

    // MARK: All servers

    func broadcast(_ message: BroadcastMessage, to target: BroadcastTarget) {
        own.broadcast(message, to: target)
        guard !target.isLocal else { return }
        // Under the lock of this server's log: two servers must not wait for each other's.
        guard message.numbered == nil else { return sendLater(message, to: target) }
        send(message, to: target)
    }

    private func send(_ message: BroadcastMessage, to target: BroadcastTarget) {
        for server in others { server.home.withLock({ $0.namespace })?.receive(message, to: target) }
    }

    private func sendLater(_ message: BroadcastMessage, to target: BroadcastTarget) {
        let begins = outbox.withLock { outbox in
            outbox.broadcasts.append((message, target))
            defer { outbox.isSending = true }
            return !outbox.isSending
        }
        guard begins else { return }
        Task {
            while true {
                let batch = outbox.withLock { $0.takeAll() }
                guard !batch.isEmpty else { return }
                for next in batch { send(next.message, to: next.target) }
            }
        }
    }

    func broadcast(
        _ message: BroadcastMessage, to target: BroadcastTarget,
        collecting collector: AcknowledgementCollector
    ) {
        let servers = servers(target)
        collector.expectServers(servers.count)
        for server in servers { server.own.broadcast(message, to: target, collecting: collector) }
    }

    func fetchSockets(in target: BroadcastTarget) async throws -> [RemoteSocket] {
        servers(target).flatMap { server in
            server.own.sockets(in: target).map { server === self ? RemoteSocket($0) : described($0) }
        }
    }

    /// A socket of another server as it would arrive over a network.
    private func described(_ socket: Socket) -> RemoteSocket {
        let local = RemoteSocket(socket)
        guard let namespace = home.withLock({ $0.namespace }) else { return local }
        return RemoteSocket(
            id: local.id, handshake: local.handshake, rooms: local.rooms, data: local.encodedData,
            in: namespace)
    }

    func count(in target: BroadcastTarget) async throws -> Int {
        servers(target).reduce(0) { $0 + $1.own.sockets(in: target).count }
    }

    func join(_ target: BroadcastTarget, _ rooms: [String]) {
        for server in servers(target) { server.own.join(target, rooms) }
    }

    func leave(_ target: BroadcastTarget, _ rooms: [String]) {
        for server in servers(target) { server.own.leave(target, rooms) }
    }

    func disconnect(_ target: BroadcastTarget, close: Bool) {
        own.disconnect(target, close: close)
        guard !target.isLocal else { return }
        for server in others {
            server.home.withLock({ $0.namespace })?.receiveDisconnection(of: target, close: close)
        }
    }

    func serverSideEmit(_ event: ServerSideEvent) {
        for server in others {
            guard let namespace = server.home.withLock({ $0.namespace }) else { continue }
            Task { _ = await namespace.receive(event) }
        }
    }

    func serverSideEmit(_ event: ServerSideEvent, timeout: Duration) async throws -> ServerSideAnswers {
        await withTaskGroup(of: JSONValue?.self) { group in
            for server in others {
                group.addTask { await server.answer(event, within: timeout) }
            }
            return await group.reduce(into: ServerSideAnswers()) { answers, answer in
                if let answer { answers.answers.append(answer) } else { answers.missing += 1 }
            }
        }
    }

    private func answer(_ event: ServerSideEvent, within timeout: Duration) async -> JSONValue? {
        guard let namespace = home.withLock({ $0.namespace }) else { return nil }
        // No task group: it would wait for a handler that does not heed its cancellation.
        let (answers, continuation) = AsyncStream.makeStream(of: JSONValue?.self)
        let work = Task { continuation.yield(await namespace.receive(event)) }
        let clock = Task {
            try? await Task.sleep(for: timeout)
            continuation.yield(nil)
        }
        defer {
            work.cancel()
            clock.cancel()
        }
        return await answers.first { _ in true } ?? nil
    }
}
