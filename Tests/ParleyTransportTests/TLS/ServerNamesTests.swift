import Testing

@testable import ParleyTransport

@Suite struct ServerNamesTests {
    private func names(_ all: String...) -> ServerNames {
        var names = ServerNames()
        for (index, name) in all.enumerated() { names.add(name, identity: index) }
        return names
    }

    @Test func `names are compared ASCII case-insensitively, and only so (RFC 4343)`() {
        let names = names("Example.COM", "xn--bcher-kva.example")
        #expect(names.identity(for: "eXAMPLE.com".utf8) == 0)
        #expect(names.identity(for: "XN--BCHER-KVA.example".utf8) == 1)
        #expect(names.identity(for: "example.com.".utf8) == 0)
        // KELVIN SIGN is not a K.
        #expect(self.names("k.example").identity(for: "\u{212A}.example".utf8) == nil)
    }

    @Test func `a wildcard stands for exactly one left-most label (RFC 6125, 6.4.3)`() {
        let names = names("*.example.com", "w*.example.net", "a.*.org")
        #expect(names.identity(for: "a.example.com".utf8) == 0)
        for other in [
            "example.com", ".example.com", "a.b.example.com", "a.example.org", "www.example.net", "a.b.org",
        ] {
            #expect(names.identity(for: other.utf8) == nil, "\(other)")
        }
    }

    @Test func `an exact name goes before a wildcard, and the first of two equal names has it`() {
        let names = names("*.example.com", "www.example.com", "*.example.com", "www.example.com")
        #expect(names.identity(for: "www.example.com".utf8) == 1)
        #expect(names.identity(for: "api.example.com".utf8) == 0)
    }

    @Test(arguments: ["", ".", "..", "*", "*.", "\0"]) func `odd names match nothing, and do no harm`(
        name: String
    ) {
        #expect(names("example.com", "*.example.com").identity(for: name.utf8) == nil)
    }
}
