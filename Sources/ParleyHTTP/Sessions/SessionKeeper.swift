import ParleyTransport

/// Between sessions and their store.
struct SessionKeeper: Sendable {
    let store: any SessionStore
    let options: SessionOptions
    /// Milliseconds since 1970, as sessions may outlive this process and be read by another.
    let now: @Sendable () -> Int64

    /// The session that the request's cookie names, or a new one. An id that the store doesn't know is never adopted.
    nonisolated(nonsending) func open(_ request: Request) async throws -> Session {
        let now = now()
        for id in request.cookies.values(of: options.cookieName).prefix(4) where SessionState.isID(id) {
            guard let bytes = try await store.load(id, timeToLive: options.timeToLive),
                let state = SessionState(id: id, saved: bytes)
            else {
                continue
            }
            if isOver(created: state.created, now: now) {
                try await store.delete(id)
                continue
            }
            return Session(state, keeper: self)
        }
        return Session(SessionState(now: now), keeper: self)
    }

    /// Whether a session that began at this time has reached its ``SessionOptions/lifetime``.
    func isOver(created: Int64, now: Int64) -> Bool {
        guard let lifetime = options.lifetime else { return false }
        return now - created >= lifetime.milliseconds
    }

    func action(for state: inout SessionState, now: Int64) throws(SessionError) -> SessionState.Action {
        try state.takeAction(now: now, limit: options.maximumBytes)
    }

    /// Tells the store. False when the session was ended meanwhile.
    nonisolated(nonsending) func perform(_ action: SessionState.Action) async throws -> Bool {
        switch action {
        case .none: return true
        case .create(let id, let content):
            try await store.create(id, content, timeToLive: options.timeToLive)
            return true
        case .update(let id, let content):
            return try await store.update(id, content, timeToLive: options.timeToLive)
        case .replace(let old, let new, let content, let mustExist):
            if mustExist, try await store.load(old, timeToLive: options.timeToLive) == nil { return false }
            // Created first: when this is cut off, the client has its old session still.
            try await store.create(new, content, timeToLive: options.timeToLive)
            try await store.delete(old)
            return true
        case .delete(let id):
            try await store.delete(id)
            return true
        }
    }
}

extension Duration {
    /// Whole milliseconds; the greatest number where there are more.
    var milliseconds: Int64 {
        let (whole, overflow) = components.seconds.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return components.seconds < 0 ? .min : .max }
        let (sum, sumOverflow) = whole.addingReportingOverflow(components.attoseconds / 1_000_000_000_000_000)
        return sumOverflow ? .max : sum
    }
}
