#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Version 1: a line of text (2.1).
enum ProxyLine {
    static let prefix = Array("PROXY ".utf8)

    /// Decodes a whole line, which begins with the prefix and ends with LF.
    static func decode(_ line: [UInt8]) throws(ProxyHeaderError) -> ProxyHeader {
        guard line.count > prefix.count + 1, line[line.count - 2] == HTTPBytes.carriageReturn else {
            throw .malformedLine
        }
        let text = line[prefix.count..<line.count - 2]
        let fields = text.split(separator: HTTPBytes.space, omittingEmptySubsequences: false)
        // Whatever follows is to be ignored.
        if fields[0].elementsEqual("UNKNOWN".utf8) { return ProxyHeader() }
        guard fields.count == 5, let source = port(fields[3]), let destination = port(fields[4]) else {
            throw .malformedLine
        }
        guard let parse = parser(of: fields[0]), let from = parse(fields[1]), let to = parse(fields[2]) else {
            throw .malformedLine
        }
        var header = ProxyHeader()
        header.source = .init(from, port: source)
        header.destination = .init(to, port: destination)
        return header
    }

    private static func parser(of family: ArraySlice<UInt8>) -> ((ArraySlice<UInt8>) -> ProxyHeader.Address?)?
    {
        if family.elementsEqual("TCP4".utf8) { return address4 }
        if family.elementsEqual("TCP6".utf8) { return address6 }
        return nil
    }

    /// A decimal number up to 65535 without leading zeros.
    private static func port(_ digits: ArraySlice<UInt8>) -> UInt16? {
        guard let first = digits.first, digits.count <= 5, digits.count == 1 || first != 0x30 else {
            return nil
        }
        var value = 0
        for digit in digits {
            guard HTTPBytes.isDigit(digit) else { return nil }
            value = value * 10 + Int(digit - 0x30)
        }
        return UInt16(exactly: value)
    }

    private static func address4(_ text: ArraySlice<UInt8>) -> ProxyHeader.Address? {
        var address: UInt32 = 0
        guard parse(text, AF_INET, into: &address) else { return nil }
        return .internet4(UInt32(bigEndian: address))
    }

    private static func address6(_ text: ArraySlice<UInt8>) -> ProxyHeader.Address? {
        var address: (UInt64, UInt64) = (0, 0)
        guard parse(text, AF_INET6, into: &address) else { return nil }
        return .internet6(high: UInt64(bigEndian: address.0), low: UInt64(bigEndian: address.1))
    }

    private static func parse(
        _ text: ArraySlice<UInt8>, _ family: Int32, into address: UnsafeMutableRawPointer
    ) -> Bool {
        guard !text.contains(0) else { return false }
        let terminated = text.map { CChar(bitPattern: $0) } + [0]
        return inet_pton(family, terminated, address) == 1
    }
}
