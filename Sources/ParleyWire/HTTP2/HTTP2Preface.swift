/// The client connection preface (RFC 9113 3.4), by which HTTP/2 with prior knowledge is told from HTTP/1.1.
public enum HTTP2Preface {
    /// What the first bytes of a connection are.
    public enum Match: Sendable, Equatable {
        /// HTTP/2.
        case complete
        /// The beginning of the preface, and nothing else yet.
        case partial
        /// Something else.
        case none
    }

    private static let magic: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    /// Compares the first bytes of a connection, all that came so far.
    public static func match(_ bytes: Span<UInt8>) -> Match {
        let length = min(bytes.count, magic.utf8CodeUnitCount)
        for index in 0..<length where bytes[index] != magic.utf8Start[index] { return .none }
        return length == magic.utf8CodeUnitCount ? .complete : .partial
    }
}
