import Foundation
import ParleyWire

/// What is kept of a session, as JSON.
struct SessionContent: Codable, Sendable {
    var values: [String: JSONValue] = [:]
    /// In milliseconds since 1970: when the session began, and when it was saved last.
    var created: Int64
    var saved: Int64
}

/// A session in the course of a request, as a value: what is asked of it, and what the store has to be told.
struct SessionState: Sendable {
    /// What the store has to be told.
    enum Action: Sendable, Equatable {
        case none
        case create(id: String, [UInt8])
        case update(id: String, [UInt8])
        /// The id changes; nothing is saved when there is no old one by now and there must be.
        case replace(old: String, new: String, [UInt8], mustExist: Bool)
        case delete(id: String)
    }

    /// The id that it is saved under; nil for a session that isn't.
    private(set) var savedID: String?
    /// The id that the client knows: the store may be told before the client is.
    var clientID: String?
    private(set) var id: String
    private var content: SessionContent
    private(set) var isChanged = false
    private(set) var isAccessed = false
    private var isDestroyed = false
    private var failure: SessionError?

    /// A session that is new.
    init(now: Int64) {
        id = Self.makeID()
        content = SessionContent(created: now, saved: now)
    }

    /// A session that was saved. Nil when its content isn't what ``encoded(_:limit:)`` made.
    init?(id: String, saved bytes: [UInt8]) {
        guard let content = try? JSON.decode(SessionContent.self, from: bytes.span) else { return nil }
        self.id = id
        savedID = id
        clientID = id
        self.content = content
    }

    /// 144 random bits.
    private static func makeID() -> String { SecureRandom.identifier(bytes: 18) }

    /// Whether an id may be one that ``makeID()`` made: nothing else is looked for.
    static func isID(_ id: String) -> Bool { id.utf8.count == 24 && Base64URL.decode(id) != nil }

    var created: Int64 { content.created }
    var keys: [String] { content.values.keys.sorted() }
    var isNew: Bool { savedID == nil }

    mutating func value(_ key: String) -> JSONValue? {
        isAccessed = true
        return content.values[key]
    }

    mutating func set(_ key: String, _ value: JSONValue?) {
        isAccessed = true
        guard content.values[key] != value else { return }
        content.values[key] = value
        isChanged = true
    }

    mutating func fail(_ error: SessionError) { failure = failure ?? error }

    mutating func noteAccess() { isAccessed = true }

    mutating func renew() {
        isAccessed = true
        guard savedID != nil else { return }
        id = Self.makeID()
        isChanged = true
    }

    mutating func destroy(now: Int64) {
        isAccessed = true
        isDestroyed = true
        isChanged = false
        id = Self.makeID()
        content = SessionContent(created: now, saved: now)
    }
}

// MARK: - Saving

extension SessionState {
    /// What the store has to be told now. It is taken for done.
    mutating func takeAction(now: Int64, touchInterval: Int64, limit: Int) throws(SessionError) -> Action {
        if let failure { throw failure }
        let isOld = savedID != nil && now - content.saved >= touchInterval
        guard isChanged || isDestroyed || isOld else { return .none }
        let old = savedID
        guard isChanged || !isDestroyed else {
            (savedID, isDestroyed) = (nil, false)
            return old.map { .delete(id: $0) } ?? .none
        }
        content.saved = now
        let bytes = try encoded(limit: limit)
        let mustExist = !isDestroyed
        (savedID, isChanged, isDestroyed) = (id, false, false)
        guard let old else { return .create(id: id, bytes) }
        return old == id ? .update(id: id, bytes) : .replace(old: old, new: id, bytes, mustExist: mustExist)
    }

    /// Another request ended the session, or renewed it: it is none any more. The client's cookie is left alone, as it may be
    /// the other request's by now.
    mutating func wasEnded() {
        savedID = nil
        clientID = nil
        isChanged = false
    }

    private func encoded(limit: Int) throws(SessionError) -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            try JSON.encode(content, into: &bytes)
        } catch {
            throw .unencodable(key: "", reason: "\(error)")
        }
        guard bytes.count <= limit else { throw .tooLarge(limit: limit) }
        return bytes
    }
}
