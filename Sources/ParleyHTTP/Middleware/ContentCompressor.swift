import HTTPTypes
import ParleyTransport
import ParleyWire

/// Compresses the body of a response: a short one at once, a long one while it is sent.
struct ContentCompressor: Sendable {
    /// Up to this many bytes are compressed on the loop at a time, which takes it about 2 ms; more go to the thread pool.
    static let inlineLimit = 64 * 1024

    let settings: DeflaterSettings
    let loop: EventLoop

    /// The compressed body. Nil when compressing is no use, or there is no memory for it.
    func body(_ body: ResponseBody) -> ResponseBody? {
        switch body.content {
        case .empty, .upgrade: nil
        case .bytes(let bytes): whole(bytes, of: body)
        case .text(let text): whole(Array(text.utf8), of: body)
        case .stream(_, let produce): stream(body) { writer in try await produce(writer) }
        }
    }

    private func whole(_ bytes: [UInt8], of body: ResponseBody) -> ResponseBody? {
        if bytes.count <= Self.inlineLimit { return compressed(bytes).map { .bytes($0) } }
        return stream(body) { writer in try await Self.write(bytes, to: writer) }
    }

    private func compressed(_ bytes: [UInt8]) -> [UInt8]? {
        guard let deflater = CompressorPool.shared.deflater(settings) else { return nil }
        defer { CompressorPool.shared.put(deflater, settings) }
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count / 2)
        deflater.deflate(bytes.span, flush: .finish, appendingTo: &output)
        return output.count < bytes.count ? output : nil
    }

    /// In pieces, so that a slow client holds little that is compressed.
    private static func write(_ bytes: [UInt8], to writer: CompressingWriter) async throws {
        var start = 0
        while start < bytes.count {
            let end = min(start + 2 * inlineLimit, bytes.count)
            try await writer.compress(bytes, start..<end, flush: .none)
            start = end
        }
    }

    /// The memory for it is taken when the body is sent, which for HEAD it isn't.
    private func stream(
        _ body: ResponseBody, _ produce: @escaping @Sendable (CompressingWriter) async throws -> Void
    ) -> ResponseBody {
        body.streamed { [settings, loop] writer in
            let writer = try CompressingWriter(to: writer, settings: settings, loop: loop)
            try await produce(writer)
            try await writer.finish()
        }
    }
}

/// Compresses what is written, and passes it on; each write is flushed.
final class CompressingWriter: ResponseWriter {
    /// Sound as `Sendable`: `take` gives it to one user at a time, on whichever thread that is.
    private struct Compressor: @unchecked Sendable {
        let deflater: Deflater

        func deflate(_ bytes: [UInt8], _ range: Range<Int>, flush: Deflater.Flush) -> [UInt8] {
            var output: [UInt8] = []
            deflater.deflate(bytes.span.extracting(range), flush: flush, appendingTo: &output)
            return output
        }
    }

    private let target: any ResponseWriter
    private let settings: DeflaterSettings
    private let loop: EventLoop
    /// Nil while it is in use, and at the end.
    private let compressor: Lock<Compressor?>

    /// Throws ``CompressionError/memory``.
    init(to target: any ResponseWriter, settings: DeflaterSettings, loop: EventLoop) throws {
        guard let deflater = CompressorPool.shared.deflater(settings) else { throw CompressionError.memory }
        self.target = target
        self.settings = settings
        self.loop = loop
        compressor = Lock(Compressor(deflater: deflater))
    }

    deinit {
        // Also where the producer failed, or its client went.
        if let compressor = compressor.withLock({ $0 }) {
            CompressorPool.shared.put(compressor.deflater, settings)
        }
    }

    func write(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        try await compress(bytes, 0..<bytes.count, flush: .sync)
    }

    func setTrailers(_ trailers: HTTPFields) async throws { try await target.setTrailers(trailers) }

    /// Ends the compressed data.
    func finish() async throws { try await compress([], 0..<0, flush: .finish) }

    /// Compresses a part of the bytes and passes on what comes of it.
    func compress(_ bytes: [UInt8], _ range: Range<Int>, flush: Deflater.Flush) async throws {
        guard let taken = take() else { throw ResponseWriterError.concurrentWrite }
        defer { compressor.withLock { $0 = taken } }
        let output =
            range.count <= ContentCompressor.inlineLimit
            ? taken.deflate(bytes, range, flush: flush)
            : try await loop.finish { taken.deflate(bytes, range, flush: flush) }
        if !output.isEmpty { try await target.write(output) }
    }

    private func take() -> Compressor? {
        compressor.withLock { compressor in
            defer { compressor = nil }
            return compressor
        }
    }
}
