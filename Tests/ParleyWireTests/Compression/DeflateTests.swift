import ParleyWire
import Testing

@Suite("Deflater and Inflater")
struct DeflateTests {
    static let formats: [CompressionFormat] = [.raw, .zlib, .gzip]

    /// Text-like, then random, then repetitive.
    static func sample(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { index in
            switch index * 3 / max(count, 1) {
            case 0: UInt8(ascii: "a") + UInt8.random(in: 0..<6, using: &generator)
            case 1: UInt8.random(in: 0...255, using: &generator)
            default: UInt8(index % 17)
            }
        }
    }

    static func deflated(
        _ bytes: [UInt8], _ format: CompressionFormat, windowBits: Int = 15
    ) throws -> [UInt8] {
        var output: [UInt8] = []
        try Deflater(format, windowBits: windowBits)
            .deflate(bytes.span, flush: .finish, appendingTo: &output)
        return output
    }

    /// Inflates pieces into one byte at a time or many.
    static func inflated(
        _ pieces: [[UInt8]], _ format: CompressionFormat, windowBits: Int = 15, room: Int = 4096
    ) throws -> (bytes: [UInt8], outcome: Inflater.Outcome) {
        let inflater = try Inflater(format, windowBits: windowBits)
        var (output, outcome) = ([] as [UInt8], Inflater.Outcome.needsInput)
        for piece in pieces where outcome != .end {
            var offset = 0
            repeat {
                outcome = try inflater.inflate(
                    piece.span, at: &offset, appendingTo: &output, upTo: room)
            } while outcome == .outputFull
        }
        return (output, outcome)
    }

    @Test(
        "what is compressed comes back, in every format and size", arguments: formats,
        [0, 1, 300, 65_536, 300_000])
    func roundTrip(format: CompressionFormat, count: Int) throws {
        let bytes = Self.sample(count)
        let compressed = try Self.deflated(bytes, format)
        #expect(try Self.inflated([compressed], format) == (bytes, .end))
        if count > 65_536 { #expect(compressed.count < count * 2 / 3) }
    }

    @Test(
        "input that is cut anywhere, and output that has room for a byte, make no difference",
        arguments: formats)
    func cuts(format: CompressionFormat) throws {
        let bytes = Self.sample(3000)
        let compressed = try Self.deflated(bytes, format)
        #expect(try Self.inflated(compressed.map { [$0] }, format) == (bytes, .end))
        #expect(try Self.inflated([compressed], format, room: 1) == (bytes, .end))
    }

    @Test("the caller's memory is filled, never exceeded, and output goes on where it stopped")
    func callersMemory() throws {
        let bytes = Self.sample(5000)
        let deflater = try Deflater(.gzip)
        var (memory, compressed, offset) = ([UInt8](repeating: 0xEE, count: 32), [] as [UInt8], 0)
        while true {
            var written = 2
            var span = memory.mutableSpan
            let isDone = deflater.deflate(
                bytes.span, at: &offset, into: &span, at: &written, flush: .finish)
            #expect(memory[0] == 0xEE && memory[1] == 0xEE && written <= 32)
            compressed += memory[2..<written]
            if isDone { break }
        }
        #expect(offset == bytes.count)
        let inflater = try Inflater(.gzip)
        var (inflated, position, outcome) = ([] as [UInt8], 0, Inflater.Outcome.outputFull)
        while outcome == .outputFull {
            var written = 0
            var span = memory.mutableSpan
            outcome = try inflater.inflate(compressed.span, at: &position, into: &span, at: &written)
            inflated += memory[..<written]
        }
        #expect(inflated == bytes && outcome == .end && position == compressed.count)
    }

    @Test("a sync flush makes everything available, ends with 00 00 FF FF, and costs a few bytes")
    func flush() throws {
        let deflater = try Deflater(.raw)
        let inflater = try Inflater(.raw)
        for word in ["hello", "hello again", "", "hello"] {
            var (compressed, output, offset) = ([] as [UInt8], [] as [UInt8], 0)
            deflater.deflate(Array(word.utf8).span, flush: .sync, appendingTo: &compressed)
            if !word.isEmpty { #expect(compressed.suffix(4) == [0, 0, 0xFF, 0xFF]) }
            let outcome = try inflater.inflate(
                compressed.span, at: &offset, appendingTo: &output, upTo: 100)
            #expect(String(decoding: output, as: UTF8.self) == word && outcome == .needsInput)
            if !word.isEmpty { #expect(inflater.isBetweenBlocks) }
        }
    }

    @Test("a stream that is reset knows nothing of what was before")
    func reset() throws {
        let deflater = try Deflater(.raw)
        var (first, second) = ([] as [UInt8], [] as [UInt8])
        deflater.deflate(Self.sample(2000).span, flush: .finish, appendingTo: &first)
        deflater.reset()
        deflater.deflate(Self.sample(2000).span, flush: .finish, appendingTo: &second)
        #expect(first == second)
    }

    @Test("what a deflater of 9 bits makes never refers back more than 256 bytes", arguments: 1...9)
    func window(level: Int) throws {
        // The same 257 to 300 bytes again and again, which a window of 512 could refer back to.
        for period in [250, 251, 255, 256, 257, 262, 300, 511] {
            let unit = (0..<period).map { UInt8(truncatingIfNeeded: $0 &* 197 &+ $0 / 7) }
            let bytes = Array([[UInt8]](repeating: unit, count: 20).joined()) + Self.sample(20_000)
            var compressed: [UInt8] = []
            try Deflater(.raw, level: level, windowBits: 9, memoryLevel: 9)
                .deflate(bytes.span, flush: .finish, appendingTo: &compressed)
            // Byte by byte, so that the window is all there is to refer back to.
            let result = try Self.inflated(
                compressed.map { [$0] }, .raw, windowBits: 8, room: 1)
            #expect(result == (bytes, .end))
        }
    }

    @Test("no mutation of compressed bytes makes more than was allowed, or a trap")
    func mutations() throws {
        var generator = SeededGenerator(seed: 7)
        for format in Self.formats {
            let compressed = try Self.deflated(Self.sample(2000), format)
            for _ in 0..<2000 {
                var mutated = compressed
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    mutated[Int.random(in: 0..<mutated.count, using: &generator)] = .random(
                        in: 0...255, using: &generator)
                }
                let inflater = try Inflater(format)
                var (output, offset) = ([] as [UInt8], 0)
                _ = try? inflater.inflate(mutated.span, at: &offset, appendingTo: &output, upTo: 3000)
                #expect(output.count <= 3000 && offset <= mutated.count)
            }
        }
    }
}
