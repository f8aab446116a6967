public import ParleyWire

/// An event from one server of a cluster to the others.
public struct ServerSideEvent: Sendable, Codable, Equatable {
    /// The name.
    public var name: String
    /// The arguments.
    public var arguments: [JSONValue]

    /// An event.
    public init(name: String, arguments: [JSONValue]) {
        self.name = name
        self.arguments = arguments
    }
}

/// What other servers answered, before it is decoded.
public struct ServerSideAnswers: Sendable {
    /// The answer of each server that gave one.
    public var answers: [JSONValue] = []
    /// How many servers gave none in time.
    public var missing = 0

    /// No answers.
    public init() {}
}

/// The answers of other servers.
public struct ServerReplies<Reply: Sendable>: Sendable {
    /// The answers, in no order.
    public var values: [Reply] = []
    /// How many servers gave none in time, or none that is a `Reply`.
    public var missing = 0
}

struct ServerSideHandler: Sendable {
    let token: HandlerToken
    let body: @Sendable ([JSONValue]) async throws -> JSONValue?
}

extension Namespace {
    /// Sends an event to this namespace on the other servers of the cluster; this server does not get it.
    ///
    /// - Throws: what encoding throws.
    public func serverSideEmit<each Argument: Encodable>(
        _ event: String, _ arguments: repeat each Argument
    ) throws {
        adapter.serverSideEmit(
            ServerSideEvent(name: event, arguments: try JSONValue.list(repeat each arguments)))
    }

    /// Sends an event to this namespace on the other servers of the cluster, and waits for what their handlers return.
    ///
    /// - Throws: what encoding throws, and what the adapter throws.
    public func serverSideEmitWithAck<each Argument: Encodable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument, as: Reply.Type = Reply.self,
        timeout: Duration = .seconds(5)
    ) async throws -> ServerReplies<Reply> {
        let event = ServerSideEvent(name: event, arguments: try JSONValue.list(repeat each arguments))
        let answers = try await adapter.serverSideEmit(event, timeout: timeout)
        var replies = ServerReplies<Reply>(missing: answers.missing)
        for answer in answers.answers {
            if let value = try? answer.decoded(as: Reply.self) {
                replies.values.append(value)
            } else {
                replies.missing += 1
            }
        }
        return replies
    }

    /// Calls the handler for each event of this name from another server.
    @discardableResult
    public func onServerSide<each Argument: Decodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) async throws -> Void
    ) -> HandlerToken {
        addServerSide(event) { values in
            var arguments = try JSONArguments(values)
            try await handler(repeat try arguments.next((each Argument).self))
            return nil
        }
    }

    /// Calls the handler for each event of this name from another server; what it returns is the answer. Of several handlers
    /// the first that answers does.
    @discardableResult
    public func onServerSide<each Argument: Decodable & Sendable, Reply: Encodable & Sendable>(
        _ event: String, _ handler: @escaping @Sendable (repeat each Argument) async throws -> Reply
    ) -> HandlerToken {
        addServerSide(event) { values in
            var arguments = try JSONArguments(values)
            let reply = try await handler(repeat try arguments.next((each Argument).self))
            return try JSONValue.list(reply).first
        }
    }

    private func addServerSide(
        _ event: String, _ body: @escaping @Sendable ([JSONValue]) async throws -> JSONValue?
    ) -> HandlerToken {
        let handler = ServerSideHandler(token: HandlerNumbers.make(), body: body)
        update { $0.serverSide[event, default: []].append(handler) }
        return handler.token
    }

    /// An event came from another server: for adapters. Returns the answer, or nil where no handler has one.
    public func receive(_ event: ServerSideEvent) async -> JSONValue? {
        var answer: JSONValue?
        for handler in serverSide[event.name] ?? [] {
            do {
                let value = try await handler.body(event.arguments)
                answer = answer ?? value
            } catch {
                logger.warning("event \"\(event.name)\" from another server: \(error)")
            }
        }
        return answer
    }
}

/// Decodes values one after the other.
private struct JSONArguments {
    private let json: [UInt8]
    private var cursor: JSONArrayCursor

    init(_ values: [JSONValue]) throws {
        var json: [UInt8] = []
        var attachments: [[UInt8]] = []
        try JSON.encode(values, into: &json, attachments: &attachments)
        cursor = try JSONArrayCursor(validating: json.span, attachments: attachments)
        self.json = json
    }

    mutating func next<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let json = json
        return try cursor.next(type, in: json.span)
    }
}

extension JSONValue {
    /// Values of any types as JSON values.
    static func list<each Value: Encodable>(_ values: repeat each Value) throws -> [JSONValue] {
        var json = [UInt8(ascii: "[")]
        var attachments: [[UInt8]] = []
        for value in repeat each values {
            if json.count > 1 { json.append(UInt8(ascii: ",")) }
            try JSON.encode(value, into: &json, attachments: &attachments)
        }
        json.append(UInt8(ascii: "]"))
        var cursor = try JSONArrayCursor(validating: json.span, attachments: attachments)
        var list: [JSONValue] = []
        while !cursor.isAtEnd { list.append(try cursor.next(JSONValue.self, in: json.span)) }
        return list
    }

    /// The value as a type of the caller's.
    func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
        var arguments = try JSONArguments([self])
        return try arguments.next(type)
    }
}
