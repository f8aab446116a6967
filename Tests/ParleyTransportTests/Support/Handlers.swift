@testable import ParleyTransport

/// Sends back what it receives, and closes when the peer does.
final class EchoHandler: ByteStreamHandler {
    func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) { stream.send(bytes.span) }
    func receivedEnd(from stream: any ByteStream) { stream.close(linger: .seconds(1)) }
    func becameWritable(_ stream: any ByteStream) {}
    func closed(_ stream: any ByteStream, reason: CloseReason) {}
}

/// Notes every event, and does what the test wants.
final class RecordingHandler: ByteStreamHandler, @unchecked Sendable {
    struct Events: Sendable {
        var received: [UInt8] = []
        var reads = 0
        var ends = 0
        var becameWritable = 0
        var reason: CloseReason?
    }
    let events = Lock(Events())
    var onReceive: (([UInt8], any ByteStream) -> Void)?
    var onEnd: ((any ByteStream) -> Void)?
    var onWritable: ((any ByteStream) -> Void)?
    var onClose: ((any ByteStream) -> Void)?

    var reason: CloseReason? { events.withLock { $0.reason } }
    var received: [UInt8] { events.withLock { $0.received } }

    func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) {
        let copy = bytes.withUnsafeBufferPointer { Array($0) }
        events.withLock {
            $0.received += copy
            $0.reads += 1
        }
        onReceive?(copy, stream)
    }
    func receivedEnd(from stream: any ByteStream) {
        events.withLock { $0.ends += 1 }
        onEnd?(stream)
    }
    func becameWritable(_ stream: any ByteStream) {
        events.withLock { $0.becameWritable += 1 }
        onWritable?(stream)
    }
    func closed(_ stream: any ByteStream, reason: CloseReason) {
        events.withLock { $0.reason = reason }
        onClose?(stream)
    }
}

/// The streams that a listener accepted.
final class Accepted: Sendable {
    private let streams = Lock<[any ByteStream]>([])
    private let handlers = Lock<[RecordingHandler]>([])

    func add(_ stream: any ByteStream, _ handler: RecordingHandler) {
        handlers.withLock { $0.append(handler) }
        streams.withLock { $0.append(stream) }
    }
    var all: [any ByteStream] { streams.withLock { $0 } }
    var allHandlers: [RecordingHandler] { handlers.withLock { $0 } }

    func first() async throws -> (any ByteStream, RecordingHandler) {
        try await eventually { !self.all.isEmpty }
        return (all[0], allHandlers[0])
    }
}

struct NeverHappened: Error {}

/// Waits until the condition holds.
func eventually(_ limit: Duration = .seconds(20), _ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < end else { throw NeverHappened() }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// Runs a body with loops that are stopped afterwards.
@discardableResult
func withLoops<Result>(
    _ count: Int = 1, _ body: (EventLoopGroup) async throws -> Result
) async throws -> Result {
    let group = try EventLoopGroup(count: count, name: "test")
    do {
        let result = try await body(group)
        await group.shutdown()
        return result
    } catch {
        await group.shutdown()
        throw error
    }
}

/// Blocking calls of a test, on a thread of their own so that they cannot starve the tasks.
func blocking<Success: Sendable>(_ work: @escaping @Sendable () throws -> Success) async throws -> Success {
    try await withCheckedThrowingContinuation { continuation in
        let thread = RawThread { continuation.resume(with: Swift.Result { try work() }) }
        thread.detach()
    }
}
