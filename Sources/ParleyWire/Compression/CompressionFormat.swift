/// What stands around the DEFLATE data (RFC 1951).
public enum CompressionFormat: Sendable, Hashable {
    /// Nothing: what permessage-deflate carries (RFC 7692).
    case raw
    /// A header of two bytes and a checksum (RFC 1950): the HTTP coding `deflate` (RFC 9110 8.4.1.2).
    case zlib
    /// The format of `.gz` files (RFC 1952): the HTTP coding `gzip`.
    case gzip

    /// The window bits as zlib wants them, which carry the format too.
    func zlibWindowBits(_ bits: Int) -> Int32 {
        switch self {
        case .raw: Int32(-bits)
        case .zlib: Int32(bits)
        case .gzip: Int32(bits + 16)
        }
    }
}

/// Why something can't be compressed or inflated.
public enum CompressionError: Error, Sendable, Equatable {
    /// zlib got no memory.
    case memory
    /// Bytes that the format doesn't allow (RFC 1950, 1951, 1952), or a checksum that doesn't match.
    case malformed
    /// The input ended before the compressed data did.
    case truncated
    /// Bytes stand behind the end of the compressed data.
    case trailingBytes
    /// The output would be longer than so many bytes.
    case outputLimit(Int)
    /// The output would be longer than so many times the input.
    case ratioLimit(Int)
}
