import HTTPTypes
import ParleyTransport
import ParleyWire

/// A request's content, inflated piece by piece as it is read: nothing is read from the client before it is wanted, and no more
/// than a piece is held.
final class InflatedContent: RequestBodyMapping {
    /// The bytes of a piece.
    private static let pieceSize = 64 * 1024

    /// Sound as `Sendable`: `take` gives it to one reader at a time.
    private struct State: @unchecked Sendable {
        let inflater: ContentInflater
        var input: [UInt8] = []
        var offset = 0
        /// False while the inflater has more to say about the input.
        var isDrained = true
        var outcome: Result<Void, HTTPError>?

        /// The next piece of what was read already.
        mutating func next() throws(CompressionError) -> [UInt8]? {
            while !isDrained {
                var output: [UInt8] = []
                let input = input
                isDrained = try inflater.inflate(
                    input.span, at: &offset, appendingTo: &output, upTo: InflatedContent.pieceSize)
                if isDrained { self.input = [] }
                if !output.isEmpty { return output }
            }
            return nil
        }

        mutating func take(_ piece: [UInt8]) {
            input = piece
            offset = 0
            isDrained = false
        }
    }

    private let source: RequestBody
    /// Nil while somebody reads.
    private let state: Lock<State?>

    init(of source: RequestBody, inflater: ContentInflater) {
        self.source = source
        state = Lock(State(inflater: inflater))
    }

    var trailers: HTTPFields? { source.trailers }

    nonisolated(nonsending) func nextPiece() async throws -> [UInt8]? {
        guard var taken = take() else { throw RequestBodyError.concurrentRead }
        defer { state.withLock { [taken] in $0 = taken } }
        if let outcome = taken.outcome {
            try outcome.get()
            return nil
        }
        do {
            let piece = try await next(&taken)
            if piece == nil { taken.outcome = .success(()) }
            return piece
        } catch let error as CompressionError {
            taken.outcome = .failure(error.response)
            throw error.response
        }
    }

    private nonisolated(nonsending) func next(_ state: inout State) async throws -> [UInt8]? {
        // What comes of one piece of input may be long: others have their turn meanwhile.
        if !state.isDrained { await Task.yield() }
        while true {
            if let piece = try state.next() { return piece }
            guard let piece = try await source.nextPiece() else {
                try state.inflater.finish()
                return nil
            }
            state.take(piece)
        }
    }

    private func take() -> State? {
        state.withLock { state in
            defer { state = nil }
            return state
        }
    }
}

extension CompressionError {
    /// What the client is told of its content.
    fileprivate var response: HTTPError {
        switch self {
        case .memory: HTTPError(.serviceUnavailable)
        case .malformed: HTTPError(.badRequest, "the content is not what its Content-Encoding says")
        case .truncated: HTTPError(.badRequest, "the compressed content is cut off")
        case .trailingBytes: HTTPError(.badRequest, "there are bytes behind the compressed content")
        case .outputLimit(let bytes):
            HTTPError(
                .contentTooLarge, "limit maximumBytes: the content inflates to more than \(bytes) bytes")
        case .ratioLimit(let ratio):
            HTTPError(
                .contentTooLarge,
                "limit maximumRatio: the content inflates to more than \(ratio) times its length")
        }
    }
}
