import ParleyWire
import Testing

@Suite("Content codings (RFC 9110 8.4.1)")
struct ContentInflaterTests {
    private static let generous = ContentInflater.Limits(
        bytes: 1 << 24, ratio: 2000, ratioThreshold: 1 << 20)

    /// What comes of the pieces, read in pieces of 1,000 bytes.
    private func inflate(
        _ pieces: [[UInt8]], _ coding: ContentInflater.Coding, limits: ContentInflater.Limits = generous
    ) throws -> [UInt8] {
        let inflater = ContentInflater(coding, limits: limits)
        var output: [UInt8] = []
        for piece in pieces {
            var offset = 0
            while try !inflater.inflate(piece.span, at: &offset, appendingTo: &output, upTo: 1000) {}
            #expect(offset == piece.count)
        }
        try inflater.finish()
        return output
    }

    private func bytewise(_ bytes: [UInt8]) -> [[UInt8]] { bytes.map { [$0] } }

    @Test(
        "gzip, and deflate with and without zlib's header (RFC 9110 8.4.1.2), whole and byte by byte",
        arguments: [(.gzip, .gzip), (.deflate, .zlib), (.deflate, .raw)]
            as [(ContentInflater.Coding, CompressionFormat)])
    func codings(coding: ContentInflater.Coding, format: CompressionFormat) throws {
        for count in [0, 1, 5000, 200_000] {
            let bytes = DeflateTests.sample(count)
            let compressed = try DeflateTests.deflated(bytes, format)
            #expect(try inflate([compressed], coding) == bytes)
            if count <= 5000 { #expect(try inflate(bytewise(compressed), coding) == bytes) }
        }
    }

    @Test("RFC 1952 2.2: gzip content of several members is their contents one after the other")
    func members() throws {
        let parts = [DeflateTests.sample(700), [], DeflateTests.sample(3000, seed: 9)]
        let compressed = try parts.flatMap { try DeflateTests.deflated($0, .gzip) }
        #expect(try inflate([compressed], .gzip) == Array(parts.joined()))
        #expect(try inflate(bytewise(compressed), .gzip) == Array(parts.joined()))
    }

    @Test("no content is no error")
    func empty() throws {
        #expect(try inflate([], .gzip) == [])
        #expect(try inflate([[]], .deflate) == [])
    }

    @Test("what is cut off is known, wherever it is", arguments: [ContentInflater.Coding.gzip, .deflate])
    func truncated(coding: ContentInflater.Coding) throws {
        let compressed = try DeflateTests.deflated(
            DeflateTests.sample(500), coding == .gzip ? .gzip : .zlib)
        for count in 1..<compressed.count {
            #expect(throws: CompressionError.truncated) { try inflate([Array(compressed[..<count])], coding) }
        }
    }

    @Test("bytes behind the end are an error, and so is a checksum that doesn't match")
    func trailing() throws {
        let zlib = try DeflateTests.deflated([1, 2, 3], .zlib)
        #expect(throws: CompressionError.trailingBytes) { try inflate([zlib + [0]], .deflate) }
        let gzip = try DeflateTests.deflated([1, 2, 3], .gzip)
        #expect(throws: CompressionError.malformed) { try inflate([gzip + [0, 0]], .gzip) }
        #expect(throws: CompressionError.malformed) { try inflate([Array("plain text".utf8)], .gzip) }
        var wrong = gzip
        wrong[wrong.count - 5] ^= 1
        #expect(throws: CompressionError.malformed) { try inflate([wrong], .gzip) }
    }

    @Test("limits hold to the byte, and nothing beyond them is made")
    func limits() throws {
        let zeros = [UInt8](repeating: 0, count: 100_000)
        let compressed = try DeflateTests.deflated(zeros, .gzip)
        func limits(_ bytes: Int, _ ratio: Int, _ threshold: Int) -> ContentInflater.Limits {
            ContentInflater.Limits(bytes: bytes, ratio: ratio, ratioThreshold: threshold)
        }
        #expect(try inflate([compressed], .gzip, limits: limits(100_000, 2000, 0)) == zeros)
        #expect(try inflate([compressed], .gzip, limits: limits(100_000, 1, 100_000)) == zeros)
        #expect(throws: CompressionError.outputLimit(99_999)) {
            try inflate([compressed], .gzip, limits: limits(99_999, 2000, 0))
        }
        #expect(throws: CompressionError.ratioLimit(10)) {
            try inflate([compressed], .gzip, limits: limits(1 << 24, 10, 1000))
        }
        #expect(throws: CompressionError.outputLimit(0)) {
            try inflate([compressed], .gzip, limits: limits(0, 2000, 0))
        }
        let inflater = ContentInflater(.gzip, limits: limits(5000, 2000, 0))
        var (output, offset) = ([] as [UInt8], 0)
        #expect(throws: CompressionError.outputLimit(5000)) {
            _ = try inflater.inflate(compressed.span, at: &offset, appendingTo: &output, upTo: 1 << 20)
        }
        #expect(output.count <= 5001)
    }
}
