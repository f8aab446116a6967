/// Where sessions are kept. Contents are opaque bytes (JSON); ids are secrets of their clients and shouldn't be logged.
///
/// Every method may be called on any thread, also for ids that don't exist.
public protocol SessionStore: Sendable {
    /// The content that was saved under an id; nil when there is none, or its time is over.
    func load(_ id: String) async throws -> [UInt8]?

    /// Saves a content under a new id.
    func create(_ id: String, _ content: [UInt8], timeToLive: Duration) async throws

    /// Replaces the content of an id, and lets its time begin anew. False when there is none by now: a session that another
    /// request has ended must not come back (Redis: `SET` with `XX`).
    func update(_ id: String, _ content: [UInt8], timeToLive: Duration) async throws -> Bool

    /// Forgets an id.
    func delete(_ id: String) async throws
}
