public import Foundation
import ParleyTransport
import ParleyWire

/// What a server remembers of a client from request to request.
///
/// ```swift
/// app.use(Sessions(store: MemorySessionStore()))
/// app.post("/login") { request async throws -> String in
///     let session = try request.session
///     session.renew()
///     session["user"] = "ada"
///     return "welcome"
/// }
/// ```
///
/// It is loaded before the handler runs and saved, when it was changed, before the response's head is sent. Each request works on
/// a copy of its own: of requests at the same time the one that ends last is the one whose values stay, all of them. A session
/// that one of them ends or renews isn't brought back by the others.
///
/// What a handler changes before it throws an ``HTTPError`` is saved, before any other error it isn't. What is changed while a
/// body is streamed is saved at its end, but a session that begins there has no cookie any more. On upgraded connections, and to
/// save earlier, call ``save()``.
public final class Session: Sendable {
    private let state: Lock<SessionState>
    let keeper: SessionKeeper

    init(_ state: SessionState, keeper: SessionKeeper) {
        self.state = Lock(state)
        self.keeper = keeper
    }

    /// The id: a secret between client and server. It changes with ``renew()`` and ``destroy()``.
    public var id: String { state.withLock { $0.id } }

    /// Whether no client knows it yet.
    public var isNew: Bool { state.withLock { $0.isNew } }

    /// When it began.
    public var created: Date {
        Date(timeIntervalSince1970: Double(state.withLock { $0.created }) / 1000)
    }

    /// The keys that have values.
    public var keys: [String] { state.withLock { $0.keys } }

    /// The value of a key; nil when there is none, or none of this type. What can't be encoded when it is set makes saving
    /// throw ``SessionError/unencodable(key:reason:)``.
    public subscript<Value: Codable>(_ key: String, as type: Value.Type = Value.self) -> Value? {
        get { state.withLock { $0.value(key) }.flatMap { try? $0.decoded(as: type) } }
        set {
            do {
                let value = try newValue.map { try JSONValue(encoding: $0) }
                state.withLock { $0.set(key, value) }
            } catch {
                let reason = "\(error)"
                state.withLock { $0.fail(.unencodable(key: key, reason: reason)) }
            }
        }
    }

    /// Gives the session a new id, under which it goes on: call it whenever the client's rights change, such as at a login, so
    /// that an id which somebody else planted is worth nothing.
    public func renew() { state.withLock { $0.renew() } }

    /// Ends the session, and has the client forget its id. What is set afterwards begins a new one.
    public func destroy() {
        let now = keeper.now()
        state.withLock { $0.destroy(now: now) }
    }

    /// Saves what was changed. It is called for every response; call it where a session is changed later than that.
    /// - Throws: ``SessionError``, and what the store throws.
    public nonisolated(nonsending) func save() async throws {
        _ = try await saveChanges()
    }
}

// MARK: - For the middleware

extension Session {
    /// Saves and says which cookie goes with the response, if any.
    nonisolated(nonsending) func commit(isSecure: Bool) async throws -> Cookie? {
        let isSaved = try await saveChanges()
        let (interval, now) = (keeper.options.touchInterval.milliseconds, keeper.now())
        let (known, saved, isOld) = state.withLock { state in
            defer { state.clientID = state.savedID }
            return (state.clientID, state.savedID, state.isOlder(than: interval, now: now))
        }
        guard let saved else { return known.map { keeper.options.cookie($0, isSecure: isSecure).deletion } }
        let isKept = keeper.options.isPersistent && (isSaved || isOld)
        return saved != known || isKept ? keeper.options.cookie(saved, isSecure: isSecure) : nil
    }

    /// False when there was nothing to be saved.
    private nonisolated(nonsending) func saveChanges() async throws -> Bool {
        let now = keeper.now()
        let (before, action) = try state.withLock { state in
            let before = state
            return (before, try keeper.action(for: &state, now: now))
        }
        do {
            if try await !keeper.perform(action) { state.withLock { $0.wasEnded() } }
        } catch {
            state.withLock { $0.restore(before) }
            throw error
        }
        return action != .none
    }

    /// Whether anybody asked for it, so that the response may depend on it.
    var isAccessed: Bool { state.withLock { $0.isAccessed } }

    func noteAccess() { state.withLock { $0.noteAccess() } }

    /// The id that the store knows it by, nil where it doesn't, and when it began.
    var saved: (id: String?, created: Int64) { state.withLock { ($0.savedID, $0.created) } }
}

extension Request {
    /// The client's session.
    /// - Throws: ``SessionError/noMiddleware`` when no ``Sessions`` is in front of the route.
    public var session: Session {
        get throws {
            guard let session = self[Session.self] else { throw SessionError.noMiddleware }
            session.noteAccess()
            return session
        }
    }
}

extension JSONValue {
    fileprivate init(encoding value: some Encodable) throws {
        var bytes: [UInt8] = []
        try JSON.encode(value, into: &bytes)
        self = try JSON.decode(JSONValue.self, from: bytes.span)
    }

    fileprivate func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
        var bytes: [UInt8] = []
        try JSON.encode(self, into: &bytes)
        return try JSON.decode(type, from: bytes.span)
    }
}
