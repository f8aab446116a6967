import Testing

@testable import ParleyTransport

@Suite struct AddressRangeTests {
    private func address(_ host: String) throws -> SocketAddress {
        try #require(SocketAddress(host: host, port: 1234))
    }

    @Test(arguments: [
        ("192.0.2.0/24", "192.0.2.255", true), ("192.0.2.0/24", "192.0.3.0", false),
        ("192.0.2.9/24", "192.0.2.1", true), ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("0.0.0.0/0", "255.255.255.255", true), ("0.0.0.0/0", "::1", false),
        ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::", false),
        ("2001:db8::/65", "2001:db8::7fff:0:0:1", true), ("2001:db8::/65", "2001:db8::8000:0:0:1", false),
        ("::/0", "2001:db8::1", true), ("::1", "::1", true), ("::1/128", "::2", false),
    ]) func `a network has the addresses that share its prefix`(
        network: String, host: String, isInside: Bool
    ) throws {
        #expect(try AddressRange(network).contains(address(host)) == isInside)
    }

    @Test func `IPv4 addresses mapped into IPv6 are the IPv4 ones, on both sides`() throws {
        #expect(try AddressRange("10.0.0.0/8").contains(address("::ffff:10.1.2.3")))
        #expect(try AddressRange("::ffff:10.0.0.0/104").contains(address("10.1.2.3")))
        #expect(try AddressRange("::ffff:10.1.2.3").contains(address("10.1.2.3")))
        #expect(try !AddressRange("10.0.0.0/8").contains(address("::10.1.2.3")))
    }

    @Test(arguments: [
        "", "/", "192.0.2.0/", "192.0.2.0/33", "::/129", "192.0.2.0/+8", "192.0.2.0/8 ", "192.0.2/24",
        "localhost",
        "192.0.2.0/24/8", "192.0.2.0/0008", "[::1]", "192.0.2.0/255.255.255.0", "unix",
    ]) func `what is neither a network nor an address is an error that shows it`(text: String) {
        let error = #expect(throws: AddressRangeError.self) { try AddressRange(text) }
        #expect(error.map { "\($0)".hasPrefix("\"\(text)\"") } == true)
    }

    @Test func `the presets`() throws {
        let unix = SocketAddress(unixPath: "")
        for (range, inside, outside) in [
            (
                AddressRange.loopback, ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"],
                ["128.0.0.1", "::2"]
            ),
            (
                .privateNetworks, ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1"],
                ["172.32.0.1", "192.169.0.1", "11.0.0.1", "fe80::1", "127.0.0.1", "::"]
            ), (.unix, [], ["127.0.0.1", "::1", "::"]),
        ] {
            for host in inside { #expect(try range.contains(address(host)), "\(host)") }
            for host in outside { #expect(try !range.contains(address(host)), "\(host)") }
            #expect(range.contains(unix) == (range == .unix))
        }
        #expect([AddressRange.loopback, .unix].contains(unix))
        #expect(![AddressRange]().contains(unix))
    }
}
