import ParleyWire
import Testing

/// Bytes in a compressed format, and back.
enum Compressed {
    static func bytes(_ bytes: [UInt8], _ format: CompressionFormat = .gzip) throws -> [UInt8] {
        var output: [UInt8] = []
        try Deflater(format).deflate(bytes.span, flush: .finish, appendingTo: &output)
        return output
    }

    /// Everything that the bytes inflate to; they must end with the format.
    static func inflated(_ bytes: [UInt8], _ format: CompressionFormat = .gzip) throws -> [UInt8] {
        var (output, offset) = ([] as [UInt8], 0)
        let outcome = try Inflater(format).inflate(
            bytes.span, at: &offset, appendingTo: &output, upTo: 1 << 28)
        try #require(outcome == .end)
        try #require(offset == bytes.count)
        return output
    }
}
