/// Version 2: a binary header (2.2).
enum ProxyBinary {
    static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]
    /// The signature, version and command, family and transport, and the length of what follows.
    static let fixedLength = 16

    /// The length of the whole header; nil until it is known.
    static func totalLength(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= fixedLength else { return nil }
        return fixedLength + number(bytes[14..<16])
    }

    /// Decodes a whole header, which begins with the signature.
    static func decode(_ bytes: [UInt8]) throws(ProxyHeaderError) -> ProxyHeader {
        guard bytes[12] >> 4 == 2 else { throw .unknownVersion(bytes[12] >> 4) }
        var header = ProxyHeader()
        switch bytes[12] & 0x0F {
        // The connection is the proxy's own, and everything else is to be ignored.
        case 0: header.isLocal = true
        case 1:
            let length = try decodeAddresses(bytes, into: &header)
            try ProxyValues.decode(bytes, from: fixedLength + length, into: &header)
        case let command: throw .unknownCommand(command)
        }
        return header
    }

    /// Returns how many bytes the family's addresses take.
    private static func decodeAddresses(
        _ bytes: [UInt8], into header: inout ProxyHeader
    ) throws(ProxyHeaderError) -> Int {
        let block = bytes[fixedLength...]
        let length: Int
        switch bytes[13] {
        case 0x00: return 0
        case 0x11, 0x12: length = 12
        case 0x21, 0x22: length = 36
        case 0x31, 0x32: length = 216
        case let family: throw .unknownFamily(family)
        }
        guard block.count >= length else { throw .addressesCutOff }
        // A datagram has no client that a stream could have: as if its addresses weren't known.
        guard bytes[13] & 0x0F == 1 else { return length }
        let (source, destination) = endpoints(block.prefix(length))
        header.source = source
        header.destination = destination
        return length
    }

    /// The two ends: of IPv4, IPv6 or Unix by the length of the block.
    private static func endpoints(
        _ block: ArraySlice<UInt8>
    ) -> (ProxyHeader.Endpoint, ProxyHeader.Endpoint) {
        let size = block.count == 216 ? 108 : (block.count - 4) / 2
        let (source, rest) = (block.prefix(size), block.dropFirst(size))
        let destination = rest.prefix(size)
        guard size < 108 else { return (.init(.unix(path(source))), .init(.unix(path(destination)))) }
        let ports = rest.dropFirst(size)
        return (
            .init(internet(source), port: UInt16(number(ports.prefix(2)))),
            .init(internet(destination), port: UInt16(number(ports.suffix(2))))
        )
    }

    private static func internet(_ bytes: ArraySlice<UInt8>) -> ProxyHeader.Address {
        let words = bytes.reduce(into: (high: UInt64(0), low: UInt64(0))) { words, byte in
            words.high = words.high << 8 | words.low >> 56
            words.low = words.low << 8 | UInt64(byte)
        }
        if bytes.count == 4 { return .internet4(UInt32(truncatingIfNeeded: words.low)) }
        return .internet6(high: words.high, low: words.low)
    }

    /// A path ends at the first zero, unless it begins with one: then it is abstract (Linux), and `@` stands for that.
    private static func path(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        guard bytes.first == 0 else { return Array(bytes.prefix { $0 != 0 }) }
        let name = bytes.dropFirst().prefix { $0 != 0 }
        return name.isEmpty ? [] : [UInt8(ascii: "@")] + name
    }

    /// Two bytes in network order.
    static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }
}
