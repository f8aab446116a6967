/// The values behind the addresses of version 2: type, length, value (2.2).
enum ProxyValues {
    private enum Kind {
        static let applicationProtocol: UInt8 = 0x01
        static let authority: UInt8 = 0x02
        static let checksum: UInt8 = 0x03
        static let uniqueID: UInt8 = 0x05
        static let tls: UInt8 = 0x20
        static let tlsVersion: UInt8 = 0x21
        static let tlsCommonName: UInt8 = 0x22
        static let tlsCipher: UInt8 = 0x23
    }

    /// Decodes the values of a whole header. Types that nobody here asks for are skipped.
    static func decode(
        _ bytes: [UInt8], from start: Int, into header: inout ProxyHeader
    ) throws(ProxyHeaderError) {
        try each(bytes[start...]) { type, value throws(ProxyHeaderError) in
            switch type {
            case Kind.applicationProtocol: header.applicationProtocol = try text(value, type)
            case Kind.authority: header.authority = try text(value, type)
            case Kind.checksum: try check(value, of: bytes)
            case Kind.uniqueID:
                guard value.count <= 128 else { throw .malformedValue(type: type) }
                header.uniqueID = Array(value)
            case Kind.tls: header.tls = try tls(value)
            default: break
            }
        }
    }

    private static func each(
        _ values: ArraySlice<UInt8>,
        _ body: (UInt8, ArraySlice<UInt8>) throws(ProxyHeaderError) -> Void
    ) throws(ProxyHeaderError) {
        var rest = values
        while let type = rest.first {
            guard rest.count >= 3 else { throw .malformedValue(type: type) }
            let length = ProxyBinary.number(rest.dropFirst().prefix(2))
            guard rest.count - 3 >= length else { throw .malformedValue(type: type) }
            try body(type, rest.dropFirst(3).prefix(length))
            rest = rest.dropFirst(3 + length)
        }
    }

    private static func text(_ value: ArraySlice<UInt8>, _ type: UInt8) throws(ProxyHeaderError) -> String {
        guard let text = String(validating: value, as: UTF8.self) else { throw .malformedValue(type: type) }
        return text
    }

    /// Nil when the client's connection was not encrypted (2.2.5).
    private static func tls(_ value: ArraySlice<UInt8>) throws(ProxyHeaderError) -> ProxyHeader.TLS? {
        guard value.count >= 5, let flags = value.first else { throw .malformedValue(type: Kind.tls) }
        var tls = ProxyHeader.TLS()
        try each(value.dropFirst(5)) { type, value throws(ProxyHeaderError) in
            switch type {
            case Kind.tlsVersion: tls.version = try text(value, type)
            case Kind.tlsCommonName: tls.commonName = try text(value, type)
            case Kind.tlsCipher: tls.cipher = try text(value, type)
            default: break
            }
        }
        // A certificate on this connection or on the session, and a result of zero.
        tls.isVerified = flags & 0x06 != 0 && value.dropFirst().prefix(4).allSatisfy { $0 == 0 }
        return flags & 0x01 != 0 ? tls : nil
    }

    /// CRC-32C over the header, in which the checksum's own bytes count as zero (2.2.3).
    private static func check(_ value: ArraySlice<UInt8>, of header: [UInt8]) throws(ProxyHeaderError) {
        guard value.count == 4 else { throw .malformedValue(type: Kind.checksum) }
        var sum: UInt32 = .max
        for (index, byte) in header.enumerated() {
            sum ^= value.indices.contains(index) ? 0 : UInt32(byte)
            for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 1 ? 0x82F6_3B78 : 0) }
        }
        guard ~sum == UInt32(truncatingIfNeeded: ProxyBinary.number(value)) else { throw .wrongChecksum }
    }
}
