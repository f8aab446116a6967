import Testing

@testable import ParleyTransport

@Suite struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1", 80, "127.0.0.1:80"), ("0.0.0.0", 0, "0.0.0.0:0"),
        ("255.1.2.3", 65535, "255.1.2.3:65535"),
        ("::1", 80, "[::1]:80"), ("2001:db8::a:0", 443, "[2001:db8::a:0]:443"), ("::", 1, "[::]:1"),
    ]) func `is written as in a URL`(host: String, port: Int, text: String) throws {
        let address = try #require(SocketAddress(host: host, port: UInt16(port)))
        #expect(address.description == text)
        #expect(address.host == host)
        #expect(Int(address.port) == port)
    }

    @Test(arguments: ["", "localhost", "1.2.3", "256.0.0.1", "1.2.3.4.5", "[::1]", ":::", "1.2.3.4 "])
    func `takes numeric addresses only`(host: String) {
        #expect(SocketAddress(host: host, port: 1) == nil)
    }

    @Test func `survives the way into a system structure and back`() throws {
        for host in ["10.1.2.3", "fe80::1:2:3"] {
            let address = try #require(SocketAddress(host: host, port: 8080))
            #expect(address.withSocketAddress { SocketAddress($0, length: $1) } == address)
        }
        for path in ["", "/run/a.sock", String(repeating: "x", count: 107)] {
            let address = SocketAddress(unixPath: path)
            #expect(address.isUnix && address.description == "unix:\(path)")
            #expect(address.withSocketAddress { SocketAddress($0, length: $1) } == address)
        }
        for path in [String(repeating: "x", count: 108), "a\0b"] {
            #expect(SocketAddress(unixPath: path).withSocketAddress { _, _ in true } == nil)
        }
    }

    @Test func `an IPv4 address mapped into IPv6 is unmapped`() throws {
        let mapped = try #require(SocketAddress(host: "::ffff:192.0.2.1", port: 7))
        #expect(mapped.unmapped == SocketAddress(host: "192.0.2.1", port: 7))
        let other = try #require(SocketAddress(host: "2001:db8::1", port: 7))
        #expect(other.unmapped == other)
    }

    @Test func `knows the loopback addresses`() {
        for host in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            #expect(SocketAddress(host: host, port: 1)?.isLoopback == true)
        }
        for host in ["128.0.0.1", "::2", "0.0.0.0"] {
            #expect(SocketAddress(host: host, port: 1)?.isLoopback == false)
        }
        #expect(SocketAddress(unixPath: "/run/app.sock").description == "unix:/run/app.sock")
    }

    @Test("a client's network is its IPv4 address, or the first bits of an IPv6 one, without port")
    func networks() throws {
        for (host, bits, network) in [
            ("192.0.2.1", 64, "192.0.2.1"), ("::ffff:192.0.2.1", 64, "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2::"), ("2001:db8:1:2:3:4:5:6", 48, "2001:db8:1::"),
            ("2001:db8:1:2:3:4:5:6", 96, "2001:db8:1:2:3:4::"), ("2001:db8::1", 128, "2001:db8::1"),
        ] {
            let address = try #require(SocketAddress(host: host, port: 80)).network(ofIPv6Bits: bits)
            #expect(address.host == network && address.port == 0)
        }
    }
}
