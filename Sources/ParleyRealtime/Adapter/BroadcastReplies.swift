import ParleyTransport
import ParleyWire

/// What one recipient of a broadcast answered.
public struct BroadcastReply<Reply: Sendable>: Sendable {
    /// The socket; nil when it is another server's, which does not tell.
    public let socketID: String?
    /// The first value of its acknowledgement; ``AcknowledgementError`` when there is none, or a `DecodingError` when it is
    /// no `Reply`.
    public let result: Result<Reply, any Error>
}

/// The replies to a broadcast, collected.
public struct BroadcastReplies<Reply: Sendable>: Sendable {
    /// The replies, in the order in which they came.
    public private(set) var replies: [(socketID: String?, value: Reply)] = []
    /// The sockets that did not reply in time, disconnected first, or could not take a volatile event.
    public private(set) var missing: [String] = []
    /// How many did not reply: `missing`, and those of servers that do not tell ids.
    public private(set) var missingCount = 0
    /// The sockets whose reply is no `Reply`, and why.
    public private(set) var invalid: [(socketID: String?, error: any Error)] = []

    /// The values of the replies.
    public var values: [Reply] { replies.map(\.value) }
    /// Whether every recipient replied, with a `Reply`.
    public var isComplete: Bool { missingCount == 0 && invalid.isEmpty }

    mutating func add(_ reply: BroadcastReply<Reply>) {
        switch reply.result {
        case .success(let value): replies.append((reply.socketID, value))
        case .failure(let error) where error is AcknowledgementError:
            missingCount += 1
            if let id = reply.socketID { missing.append(id) }
        case .failure(let error): invalid.append((reply.socketID, error))
        }
    }
}

/// The replies to a broadcast, one by one as they come. Ends when every recipient has replied, or failed to in time.
public struct BroadcastReplySequence<Reply: Sendable>: AsyncSequence, Sendable {
    let stream: AsyncStream<BroadcastReply<Reply>>

    /// Begins to iterate; do that once.
    public func makeAsyncIterator() -> AsyncStream<BroadcastReply<Reply>>.Iterator {
        stream.makeAsyncIterator()
    }
}

extension BroadcastEmitting {
    /// Sends an event that each recipient is to acknowledge, and waits for all of them, but no longer than `timeout` says.
    /// Who does not reply is in the result too.
    ///
    /// - Throws: ``EventError`` for a reserved name, what encoding throws, or `CancellationError`.
    public func emitWithAck<each Argument: Encodable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument, as: Reply.Type = Reply.self
    ) async throws -> BroadcastReplies<Reply> {
        var replies = BroadcastReplies<Reply>()
        for await reply in try acknowledgements(event, repeat each arguments, as: Reply.self) {
            replies.add(reply)
        }
        try Task.checkCancellation()
        return replies
    }

    /// Sends an event that each recipient is to acknowledge; the replies come one by one.
    ///
    /// - Throws: ``EventError`` for a reserved name, and what encoding throws.
    public func acknowledgements<each Argument: Encodable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument, as: Reply.Type = Reply.self
    ) throws -> BroadcastReplySequence<Reply> {
        let audience = audience
        let parts = audience.parts
        let id = BroadcastNumbers.make()
        try EventName.check(event)
        var packets: [EncodedPacket] = []
        for part in parts {
            packets.append(try .event(event, id: id, in: part.namespace, repeat each arguments))
        }
        return collect(packets, parts, id)
    }

    private func collect<Reply: Decodable & Sendable>(
        _ packets: [EncodedPacket], _ parts: [BroadcastOperator], _ id: UInt64
    ) -> BroadcastReplySequence<Reply> {
        let (stream, continuation) = AsyncStream.makeStream(of: BroadcastReply<Reply>.self)
        let open = PartCount(parts.count) { continuation.finish() }
        let collectors = parts.map { part in
            AcknowledgementCollector(
                timeout: part.timeout,
                decode: { socket, cursor, json in
                    continuation.yield(BroadcastReply(socketID: socket, result: cursor.result(in: json)))
                },
                onFailure: { continuation.yield(BroadcastReply(socketID: $0, result: .failure($1))) },
                onEnd: { open.end() })
        }
        continuation.onTermination = { _ in for collector in collectors { collector.cancel() } }
        for (index, part) in parts.enumerated() {
            let message = BroadcastMessage(
                packet: part.namespace.prepared(packets[index], part.delivery), delivery: part.delivery,
                acknowledgementID: id)
            part.namespace.adapter.broadcast(message, to: part.target, collecting: collectors[index])
            collectors[index].watch()
        }
        return BroadcastReplySequence(stream: stream)
    }
}

/// Calls back when the last part is over; at once when there is none.
private final class PartCount: Sendable {
    private let open: Lock<Int>
    private let body: @Sendable () -> Void

    init(_ count: Int, _ body: @escaping @Sendable () -> Void) {
        open = Lock(count)
        self.body = body
        if count == 0 { body() }
    }

    func end() {
        let isLast = open.withLock { open in
            open -= 1
            return open == 0
        }
        if isLast { body() }
    }
}

extension JSONArrayCursor {
    fileprivate mutating func result<Value: Decodable>(in json: Span<UInt8>) -> Result<Value, any Error> {
        do { return .success(try next(Value.self, in: json)) } catch { return .failure(error) }
    }
}
