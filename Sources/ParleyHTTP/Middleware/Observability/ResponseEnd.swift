import HTTPTypes
import ParleyTransport

/// How a response ended, as whoever watches it sees it.
struct ResponseEnd: Sendable {
    /// The bytes of content that were made: of a streamed body those that its producer wrote.
    var bytes: UInt64
    /// Why a streamed body ended before it was complete.
    var error: (any Error)?
}

extension Response {
    /// Calls the closure once: now for a body that is whole and for an upgrade; for a streamed body when its producer ended, or
    /// when it never ran, as for HEAD, or for a client that is gone.
    ///
    /// - Parameter producing: what is done around the producer.
    func watchingEnd(
        _ ended: @escaping @Sendable (ResponseEnd) -> Void,
        around producing: @escaping @Sendable (_ produce: () async throws -> Void) async throws -> Void = {
            try await $0()
        }
    ) -> Response {
        guard case .stream(let length, let producer) = body.content else {
            ended(ResponseEnd(bytes: body.length ?? 0))
            return self
        }
        let watch = ResponseWatch(ended)
        var watched = self
        watched.body = .stream(length: length) { writer in
            do {
                try await producing { try await producer(WatchedWriter(writer: writer, watch: watch)) }
                watch.end()
            } catch {
                watch.end(error)
                throw error
            }
        }
        return watched
    }
}

/// Counts the bytes of a streamed body, and tells of its end once.
private final class ResponseWatch: Sendable {
    private struct State {
        var bytes: UInt64 = 0
        var ended: (@Sendable (ResponseEnd) -> Void)?
    }

    private let state: Lock<State>

    init(_ ended: @escaping @Sendable (ResponseEnd) -> Void) {
        state = Lock(State(ended: ended))
    }

    /// A body that was never produced ends with whoever held it.
    deinit { end() }

    func add(_ count: UInt64) {
        state.withLock { $0.bytes &+= count }
    }

    func end(_ error: (any Error)? = nil) {
        let (bytes, ended) = state.withLock { state in
            defer { state.ended = nil }
            return (state.bytes, state.ended)
        }
        ended?(ResponseEnd(bytes: bytes, error: error))
    }
}

private struct WatchedWriter: FileWriter {
    let writer: any ResponseWriter
    let watch: ResponseWatch

    func write(_ bytes: [UInt8]) async throws {
        try await writer.write(bytes)
        watch.add(UInt64(bytes.count))
    }

    /// Whoever is watched still has its files sent by the kernel.
    func send(_ range: Range<UInt64>, of file: FileDescriptor) async throws -> Bool {
        guard let writer = writer as? any FileWriter, try await writer.send(range, of: file) else {
            return false
        }
        watch.add(range.upperBound - range.lowerBound)
        return true
    }

    func setTrailers(_ trailers: HTTPFields) async throws { try await writer.setTrailers(trailers) }
}
