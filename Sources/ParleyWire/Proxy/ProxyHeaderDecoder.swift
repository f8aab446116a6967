/// Takes the PROXY protocol header, version 1 or 2, off the beginning of a connection.
///
/// It holds the header only, never a byte of what follows, and fails at the first byte that can't belong to one: the result
/// doesn't depend on how the input is cut.
public struct ProxyHeaderDecoder: Sendable {
    /// What the bytes so far amount to.
    public enum Progress: Sendable, Equatable {
        /// The header is not complete.
        case needsMore
        /// The header, and how many of the bytes just given belong to it.
        case complete(ProxyHeader, consumed: Int)
    }

    /// The longest line of version 1, with CR LF (2.1).
    static let lineLimit = 107

    private let limit: Int
    private var held: [UInt8] = []

    /// - Parameter limit: the bytes that a header of version 2 may have, with its first 16.
    public init(limit: Int = 536) {
        self.limit = limit
    }

    /// Takes the next bytes.
    /// - Throws: ``ProxyHeaderError``; the decoder is of no use then.
    public mutating func decode(_ bytes: Span<UInt8>) throws(ProxyHeaderError) -> Progress {
        var offset = 0
        while offset < bytes.count {
            let count = min(missing, bytes.count - offset)
            let piece = bytes.extracting(offset..<offset + count)
            piece.withUnsafeBufferPointer { held.append(contentsOf: $0) }
            offset += count
            if let header = try finish() { return .complete(header, consumed: offset) }
        }
        return .needsMore
    }

    /// The bytes that are certainly the header's, whatever they are.
    private var missing: Int {
        guard held.first == ProxyBinary.signature[0] else { return 1 }
        return max(1, (ProxyBinary.totalLength(held) ?? ProxyBinary.fixedLength) - held.count)
    }

    /// Checks what is there; nil when more is needed.
    private func finish() throws(ProxyHeaderError) -> ProxyHeader? {
        if held.first == ProxyBinary.signature[0] { return try finishBinary() }
        let compared = min(held.count, ProxyLine.prefix.count)
        guard held[..<compared] == ProxyLine.prefix[..<compared] else { throw .missing }
        guard held.last == HTTPBytes.lineFeed else {
            if held.count >= Self.lineLimit { throw .lineTooLong }
            return nil
        }
        return try ProxyLine.decode(held)
    }

    private func finishBinary() throws(ProxyHeaderError) -> ProxyHeader? {
        let compared = min(held.count, ProxyBinary.signature.count)
        guard held[..<compared] == ProxyBinary.signature[..<compared] else { throw .missing }
        guard let total = ProxyBinary.totalLength(held) else { return nil }
        guard total <= limit else { throw .tooLong(bytes: total, limit: limit) }
        return held.count < total ? nil : try ProxyBinary.decode(held)
    }
}
