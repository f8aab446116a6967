public import ParleyWire

/// A step between an event's arrival and its handlers; a throw refuses the event.
typealias EventMiddleware = @Sendable (Socket, IncomingEvent) async throws -> Void

/// An event before its handlers, as middleware sees it.
public struct IncomingEvent: Sendable {
    /// The name.
    public let name: String
    /// Whether the client waits for an acknowledgement.
    public let expectsAcknowledgement: Bool
    private let json: [UInt8]
    private let attachments: [[UInt8]]?
    private let cursor: JSONArrayCursor

    init(
        name: String, expectsAcknowledgement: Bool, json: [UInt8], attachments: [[UInt8]]?,
        cursor: JSONArrayCursor
    ) {
        self.name = name
        self.expectsAcknowledgement = expectsAcknowledgement
        self.json = json
        self.attachments = attachments
        self.cursor = cursor
    }

    /// The arguments. They are decoded each time.
    public var arguments: [JSONValue] {
        var cursor = cursor
        var values: [JSONValue] = []
        while !cursor.isAtEnd {
            guard let value = try? cursor.next(JSONValue.self, in: json.span) else { break }
            values.append(value)
        }
        return values
    }

    /// The argument at a position as a type of your own.
    ///
    /// - Throws: `DecodingError` when it is not there or is of another type.
    public func argument<Value: Decodable>(
        _ position: Int = 0, as type: Value.Type = Value.self
    ) throws -> Value {
        var cursor = cursor
        for _ in 0..<max(position, 0) where !cursor.isAtEnd {
            _ = try cursor.next(Skipped.self, in: json.span)
        }
        return try cursor.next(type, in: json.span)
    }

    /// The bytes of the event's JSON and attachments.
    public var byteCount: Int { (attachments ?? []).reduce(json.count) { $0 + $1.count } }

    /// Any value, of which nothing is kept.
    private struct Skipped: Decodable {
        init(from decoder: any Decoder) throws {}
    }
}

extension Namespace {
    /// Adds a step that every event of every socket passes before its handlers, in the order of `use`. A throw refuses the
    /// event: no handler is called, nothing is acknowledged, and error handlers hear of it. The socket's next event
    /// waits for the step. Without steps, events pay nothing.
    public func use(_ step: @escaping @Sendable (Socket, IncomingEvent) async throws -> Void) {
        update { $0.handlers = $0.handlers.adding(step) }
    }
}

extension Socket {
    /// Adds a step that every event of this socket passes before its handlers, behind the namespace's steps. A throw refuses
    /// the event: no handler is called, nothing is acknowledged, and error handlers hear of it.
    public func use(_ step: @escaping @Sendable (IncomingEvent) async throws -> Void) {
        changeHandlers { $0.adding { _, event in try await step(event) } }
    }
}
