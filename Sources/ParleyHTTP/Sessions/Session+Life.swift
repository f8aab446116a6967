extension Session {
    /// Asks the store whether the session is there still: no other request has ended or renewed it, and its time isn't over.
    ///
    /// For what outlives the request that the session was loaded for, such as a WebSocket or a realtime client. Its
    /// ``SessionOptions/timeToLive`` begins anew. False for a session that was never saved.
    /// - Throws: what the store throws.
    public nonisolated(nonsending) func isAlive() async throws -> Bool {
        let (id, created) = saved
        guard let id, !keeper.isOver(created: created, now: keeper.now()) else { return false }
        return try await keeper.store.load(id, timeToLive: keeper.options.timeToLive) != nil
    }
}
