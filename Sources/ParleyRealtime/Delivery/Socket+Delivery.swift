extension Socket {
    /// Puts an event onto its way, without telling anybody.
    func hand(_ packet: EncodedPacket, _ delivery: Delivery) -> EmitResult {
        guard isConnected else { return .disconnected }
        if delivery.isVolatile, !session.isWritable {
            namespace.counters.volatileDropped.add(1, ordering: .relaxed)
            return .dropped
        }
        if delivery.key != nil || namespace.hasSlowClientPolicy.load(ordering: .relaxed),
            !delivery.isReliable
        {
            return session.send(packet, under: namespace.rule(for: delivery), counters: namespace.counters)
        }
        return session.send(packet) ? .sent : .disconnected
    }

    /// Suspends until the client has taken most of what was emitted to it: less than 64 KiB wait in its connection,
    /// and nothing for a poll. Returns at once when it is not behind.
    ///
    /// ```swift
    /// for try await row in rows {
    ///     guard await socket.drained() else { return }
    ///     socket.emit("row", row)
    /// }
    /// ```
    ///
    /// - Returns: false when the socket is disconnected, or the task was cancelled.
    @discardableResult
    public func drained() async -> Bool {
        guard isConnected else { return false }
        return await session.drained() && isConnected
    }

    /// Waits until the client is not behind (``drained()``), then sends an event.
    @discardableResult
    public func emitWhenWritable<each Argument: Encodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument
    ) async -> EmitResult {
        guard await drained() else { return isConnected ? .dropped : .disconnected }
        return emit(event, repeat each arguments)
    }

    /// Sends an event which, while the client is behind, replaces the one that waits under the same key: positions,
    /// progress.
    @discardableResult
    public func emit<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument, coalescing key: String
    ) -> EmitResult {
        emit(event, Delivery(key: key), repeat each arguments)
    }
}

extension Namespace {
    /// What becomes of events for clients that take them more slowly than they are emitted. Of a parent of dynamic
    /// namespaces: for those of all its children.
    public var slowClients: SlowClientPolicy {
        get { slowClientPolicy.withLock { $0 } }
        set { update { $0.slowClients = newValue } }
    }

    func rule(for delivery: Delivery) -> SlowClientRule {
        SlowClientRule(
            policy: slowClients,
            key: delivery.key.map { CoalescingKey(namespace: ObjectIdentifier(self), name: $0) })
    }
}

extension BroadcastEmitting {
    /// Sends an event to all of them, which for each client that is behind replaces the one that waits under the same
    /// key.
    @discardableResult
    public func emit<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument, coalescing key: String
    ) -> EmitResult {
        let audience = audience
        var delivery = audience.delivery
        delivery.key = key
        return audience.emit(event, delivery, repeat each arguments)
    }
}
