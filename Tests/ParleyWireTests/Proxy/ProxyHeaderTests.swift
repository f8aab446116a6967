import Testing

@testable import ParleyWire

@Suite struct ProxyHeaderTests {
    private typealias Endpoint = ProxyHeader.Endpoint

    // MARK: - Version 1

    @Test func `2.1: TCP4 and TCP6 lines give both ends`() throws {
        let four = try header("PROXY TCP4 192.0.2.1 198.51.100.255 56324 443\r\n")
        #expect(four.source == Endpoint(.internet4(0xC000_0201), port: 56324))
        #expect(four.destination == Endpoint(.internet4(0xC633_64FF), port: 443))
        let six = try header("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n")
        #expect(six.source == Endpoint(.internet6(high: 0x2001_0DB8_0000_0000, low: 1), port: 1))
        #expect(six.destination == Endpoint(.internet6(high: 0, low: 1), port: 65535))
    }

    @Test(arguments: [
        "PROXY UNKNOWN\r\n", "PROXY UNKNOWN ::1 ::1 1 2\r\n",
        "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n",
    ]) func `2.1: behind UNKNOWN everything is ignored`(line: String) throws {
        #expect(try header(line) == ProxyHeader())
    }

    @Test func `2.1: the longest line has 107 bytes`() throws {
        let six = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
        _ = try header("PROXY TCP6 \(six) \(six) 65535 65535\r\n")
        let longest = "PROXY UNKNOWN " + String(repeating: "x", count: 91) + "\r\n"
        #expect(longest.utf8.count == 107)
        _ = try header(longest)
        let longer = Array("PROXY UNKNOWN ".utf8) + [UInt8](repeating: 0x78, count: 1000)
        #expect(failure(longer) == .lineTooLong)
        var decoder = ProxyHeaderDecoder()
        #expect(throws: ProxyHeaderError.lineTooLong) { try feed(&decoder, longer[..<107]) }
    }

    @Test(arguments: [
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 02\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n", "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n", "PROXY TCP6 fe80::1%lo ::1 1 2\r\n",
        "PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n", "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY UNKNOWNS\r\n", "PROXY \r\n", "PROXY \n", "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
    ]) func `2.1: a line that isn't exact is refused`(line: String) {
        #expect(failure(Array(line.utf8)) == .malformedLine)
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n", "PROXX", "PRI * HTTP/2.0\r\n", "\u{16}\u{3}\u{1}", "\r\n\r\n\0\r\nQUIZ",
        "proxy ",
    ])
    func `2: what is no header fails at the byte that shows it`(text: String) {
        let bytes = Array(text.utf8)
        #expect(failure(bytes) == .missing)
    }

    // MARK: - Version 2

    @Test func `2.2: IPv4, IPv6 and Unix addresses`() throws {
        let four = try header(binary(family: 0x11, [192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 0x04, 0x01, 0xBB]))
        #expect(four.source == Endpoint(.internet4(0xC000_0201), port: 56324))
        #expect(four.destination == Endpoint(.internet4(0xC633_6402), port: 443))
        let one = [UInt8](repeating: 0, count: 15) + [1]
        let six = try header(binary(family: 0x21, [0x20, 0x01] + one.dropFirst(2) + one + [0, 1, 0, 2]))
        #expect(six.source == Endpoint(.internet6(high: 0x2001_0000_0000_0000, low: 1), port: 1))
        #expect(six.destination == Endpoint(.internet6(high: 0, low: 1), port: 2))
        let path = Array("/run/a".utf8)
        let block = path + [UInt8](repeating: 0, count: 102) + [0, 0x61] + [UInt8](repeating: 0, count: 106)
        let unix = try header(binary(family: 0x31, block))
        #expect(unix.source == Endpoint(.unix(path)))
        #expect(unix.destination == Endpoint(.unix(Array("@a".utf8))))
    }

    @Test func `2.2: LOCAL ignores everything else, UNSPEC and datagrams have no addresses`() throws {
        var local = ProxyHeader()
        local.isLocal = true
        #expect(try header(binary(command: 0x20, family: 0x99, [1, 2, 3])) == local)
        #expect(try header(binary(family: 0x00, [])) == ProxyHeader())
        #expect(try header(binary(family: 0x12, [UInt8](repeating: 1, count: 12))) == ProxyHeader())
    }

    @Test func `2.2: what the version doesn't know is refused`() {
        #expect(failure(binary(command: 0x11, family: 0x11, four)) == .unknownVersion(1))
        #expect(failure(binary(command: 0x22, family: 0x11, four)) == .unknownCommand(2))
        for family in [0x01, 0x10, 0x13, 0x41, 0xFF] as [UInt8] {
            #expect(failure(binary(family: family, four)) == .unknownFamily(family))
        }
        for (family, length) in [(0x11, 11), (0x21, 35), (0x31, 215)] as [(UInt8, Int)] {
            let block = [UInt8](repeating: 0, count: length)
            #expect(failure(binary(family: family, block)) == .addressesCutOff)
        }
    }

    @Test func `a length over the limit is refused before anything is held for it`() throws {
        let large = binary(family: 0x11, four + value(0xE0, [UInt8](repeating: 0, count: 505)))
        #expect(large.count == 536)
        _ = try header(large)
        let announced = Array(binary(family: 0x11, four)[..<14]) + [0x02, 0x09]
        var decoder = ProxyHeaderDecoder()
        #expect(throws: ProxyHeaderError.tooLong(bytes: 537, limit: 536)) {
            try feed(&decoder, announced)
        }
        #expect("\(ProxyHeaderError.tooLong(bytes: 537, limit: 536))".contains("maximumHeaderBytes"))
    }

    // MARK: - Values

    @Test func `2.2: values that are asked for are read, and others skipped`() throws {
        let tls =
            [0x07, 0, 0, 0, 0] + value(0x21, "TLSv1.3") + value(0x22, "Ada") + value(0x23, "AES")
            + value(0x25, "EC")
        let values =
            value(0x04, "padding") + value(0x01, "h2") + value(0x02, "one.example") + value(0x05, "id")
            + value(0x20, tls) + value(0xEA, "vpce") + value(0xE0, "")
        let header = try header(binary(family: 0x11, four + values))
        #expect(header.applicationProtocol == "h2" && header.authority == "one.example")
        #expect(header.uniqueID == Array("id".utf8))
        var expected = ProxyHeader.TLS()
        (expected.version, expected.cipher, expected.commonName) = ("TLSv1.3", "AES", "Ada")
        expected.isVerified = true
        #expect(header.tls == expected)
    }

    @Test func `2.2.5: a certificate that failed, and a client without TLS`() throws {
        let failed = try header(binary(family: 0x11, four + value(0x20, [0x03, 0, 0, 0, 9])))
        #expect(failed.tls == ProxyHeader.TLS())
        let clear = try header(binary(family: 0x11, four + value(0x20, [0x00, 0, 0, 0, 1])))
        #expect(clear.source != nil && clear.tls == nil)
    }

    @Test func `2.2: a value that leads beyond the header, or isn't what its type allows, is refused`() {
        let cases: [(UInt8, [UInt8])] = [
            (0xE0, [0xE0]), (0xE0, [0xE0, 0]), (0xE0, [0xE0, 0, 1]),
            (0xE0, value(0xE1, "") + [0xE0, 0xFF, 0xFF, 1]),
            (0x20, value(0x20, [1, 0, 0, 0])), (0x21, value(0x20, [1, 0, 0, 0, 0, 0x21, 0, 1])),
            (0x02, value(0x02, [0xFF])), (0x03, value(0x03, [1, 2, 3])),
            (0x05, value(0x05, [UInt8](repeating: 1, count: 129))),
        ]
        for (type, values) in cases {
            #expect(failure(binary(family: 0x11, four + values)) == .malformedValue(type: type))
        }
    }

    @Test func `2.2.3: a checksum is verified`() throws {
        // CRC-32C of the header with four zeros in its place, computed by another implementation.
        let sum: [UInt8] = [0x20, 0xEC, 0x95, 0x49]
        _ = try header(binary(family: 0x11, four + value(0x03, sum)))
        #expect(failure(binary(family: 0x11, four + value(0x03, [0, 0, 0, 0]))) == .wrongChecksum)
    }

    // MARK: - Support

    private let four: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 2, 0xDC, 0x04, 0x01, 0xBB]

    private func value(_ type: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [type, UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes
    }

    private func value(_ type: UInt8, _ text: String) -> [UInt8] { value(type, Array(text.utf8)) }

    private func binary(command: UInt8 = 0x21, family: UInt8, _ block: [UInt8]) -> [UInt8] {
        ProxyBinary.signature + [command, family, UInt8(block.count >> 8), UInt8(block.count & 0xFF)] + block
    }

    private func header(_ text: String) throws -> ProxyHeader { try header(Array(text.utf8)) }

    /// Decodes the bytes whole, byte by byte, and with a request behind them; cut off, they are never enough.
    private func header(_ bytes: [UInt8]) throws -> ProxyHeader {
        let rest = Array("GET / HTTP/1.1\r\n".utf8)
        var whole = ProxyHeaderDecoder()
        guard case .complete(let header, let consumed) = try feed(&whole, (bytes + rest)) else {
            throw Incomplete()
        }
        #expect(consumed == bytes.count)
        var slow = ProxyHeaderDecoder()
        for byte in bytes.dropLast() {
            let progress = try feed(&slow, [byte])
            #expect(progress == .needsMore)
        }
        let last = try feed(&slow, bytes.suffix(1))
        #expect(last == .complete(header, consumed: 1))
        return header
    }

    /// The error, which must be the same however the input is cut.
    private func failure(_ bytes: [UInt8]) -> ProxyHeaderError? {
        func error(_ pieces: [[UInt8]]) -> ProxyHeaderError? {
            var decoder = ProxyHeaderDecoder()
            do throws(ProxyHeaderError) {
                for piece in pieces {
                    if case .complete = try feed(&decoder, piece) { return nil }
                }
                return nil
            } catch {
                return error
            }
        }
        let whole = error([bytes])
        #expect(error(bytes.map { [$0] }) == whole)
        return whole
    }

    private func feed(
        _ decoder: inout ProxyHeaderDecoder, _ bytes: some Sequence<UInt8>
    ) throws(ProxyHeaderError) -> ProxyHeaderDecoder.Progress {
        let bytes = Array(bytes)
        return try decoder.decode(bytes.span)
    }

    private struct Incomplete: Error {}
}
