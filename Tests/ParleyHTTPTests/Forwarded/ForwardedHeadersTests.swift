import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite struct ForwardedHeadersTests {
    /// What a request from a peer looks like behind the middleware: client, scheme, authority.
    private func seen(
        _ fields: [(String, String)], from peer: String? = "10.0.0.1", by headers: ForwardedHeaders? = nil,
        secure: Bool = false
    ) throws -> String {
        var all = HTTPFields()
        for (name, value) in fields { all.append(HTTPField(name: try #require(.init(name)), value: value)) }
        let group = try EventLoopGroup(count: 1)
        let address = peer.map { SocketAddress(host: $0, port: 1) ?? SocketAddress(unixPath: "") }
        var request = Request(
            target: "/", authority: "inner:8080", headers: all, loop: group.loops[0], remoteAddress: address,
            isSecure: secure)
        request.forwardedClient = (headers ?? ForwardedHeaders(trusting: [.privateNetworks])).client(
            of: request)
        return "\(request.clientAddress?.host ?? "-") \(request.scheme) \(request.authority ?? "-")"
    }

    private var everything: ForwardedHeaders {
        ForwardedHeaders(trusting: [.privateNetworks, .unix], parts: [.scheme, .host, .port])
    }

    private var standard: ForwardedHeaders {
        ForwardedHeaders(trusting: [.privateNetworks], kind: .forwarded, parts: [.scheme, .host])
    }

    // MARK: - X-Forwarded-*

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("6.6.6.6, 192.0.2.1", "192.0.2.1"), ("192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("6.6.6.6, 192.0.2.1, 10.0.0.2,10.0.0.3", "192.0.2.1"), ("10.0.0.9, 10.0.0.2", "10.0.0.9"),
        ("192.0.2.1:4711", "192.0.2.1"), ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"), ("::ffff:192.0.2.1", "192.0.2.1"), (", 192.0.2.1 , ", "192.0.2.1"),
    ]) func `the field is read from its end, through trusted proxies only`(
        value: String, client: String
    ) throws {
        #expect(try seen([("X-Forwarded-For", value)]) == "\(client) http inner:8080")
    }

    @Test(arguments: [
        ("unknown", "10.0.0.1"), ("_hidden", "10.0.0.1"), ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"),
        ("192.0.2.1, 999.1.1.1, 10.0.0.2", "10.0.0.2"), ("", "10.0.0.1"), ("192.0.2.1:", "10.0.0.1"),
        ("192.0.2.1:65536", "10.0.0.1"), ("[192.0.2.1]", "10.0.0.1"), ("[::1", "10.0.0.1"),
        ("::1]:1", "10.0.0.1"),
        ("fe80::1%eth0", "10.0.0.1"), ("localhost", "10.0.0.1"), ("192.0.2.1 6.6.6.6", "10.0.0.1"),
        ("\"192.0.2.1\"", "10.0.0.1"), ("192.0.2.1;10.0.0.1", "10.0.0.1"),
    ]) func `behind what is hidden or malformed nothing counts`(value: String, client: String) throws {
        #expect(try seen([("X-Forwarded-For", value)]) == "\(client) http inner:8080")
    }

    @Test func `several fields are one list`() throws {
        let fields = [("X-Forwarded-For", "6.6.6.6, 192.0.2.1"), ("X-Forwarded-For", "10.0.0.2")]
        #expect(try seen(fields) == "192.0.2.1 http inner:8080")
    }

    @Test func `a peer that isn't trusted is the client, whatever it writes`() throws {
        let lies = [
            ("X-Forwarded-For", "10.0.0.1"), ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Port", "1"), ("Forwarded", "for=10.0.0.1;proto=https;host=evil.example"),
        ]
        for headers in [everything, standard, ForwardedHeaders(trusting: [])] {
            #expect(try seen(lies, from: "192.0.2.7", by: headers) == "192.0.2.7 http inner:8080")
        }
        #expect(try seen(lies, from: nil, by: everything) == "- http inner:8080")
        #expect(
            try seen(lies, from: "unix", by: ForwardedHeaders(trusting: [.loopback])) == " http inner:8080")
    }

    @Test func `a peer on a Unix domain socket is trusted by name`() throws {
        #expect(
            try seen([("X-Forwarded-For", "192.0.2.1")], from: "unix", by: everything)
                == "192.0.2.1 http inner:8080")
    }

    @Test func `hops bound how far the field is believed`() throws {
        var headers = ForwardedHeaders(trusting: [try AddressRange("0.0.0.0/0")], hops: 1)
        let fields = [("X-Forwarded-For", "6.6.6.6, 192.0.2.1")]
        #expect(try seen(fields, by: headers) == "192.0.2.1 http inner:8080")
        headers.hops = 2
        #expect(try seen(fields, by: headers) == "6.6.6.6 http inner:8080")
        headers.hops = 0
        #expect(
            try seen(fields + [("X-Forwarded-Proto", "https")], by: headers) == "10.0.0.1 http inner:8080")
    }

    @Test func `only the last elements are looked at`() throws {
        var headers = everything
        headers.maximumElements = 3
        let near = "10.0.0.2, 10.0.0.3, 10.0.0.4"
        #expect(
            try seen([("X-Forwarded-For", "192.0.2.1, \(near)")], by: headers) == "10.0.0.2 http inner:8080")
        let long = String(repeating: "6.6.6.6,", count: 3000) + "192.0.2.1"
        #expect(try seen([("X-Forwarded-For", long)], by: headers) == "192.0.2.1 http inner:8080")
        headers.maximumElements = -1
        #expect(try seen([("X-Forwarded-For", "192.0.2.1")], by: headers) == "10.0.0.1 http inner:8080")
    }

    @Test(arguments: [
        ("https", true), ("HTTPS", true), ("wss", true), ("ws", false), ("ftp", false), ("", false),
        ("https,http", false),
        ("http, https", true),
    ]) func `the scheme is the nearest proxy's word where there is one proxy`(
        value: String, isSecure: Bool
    ) throws {
        let fields = [("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", value)]
        #expect(try seen(fields) == "192.0.2.1 \(isSecure ? "https" : "http") inner:8080")
    }

    @Test func `the scheme of the proxy that saw the client counts, and can be told alone`() throws {
        let far = [("X-Forwarded-For", "192.0.2.1, 10.0.0.2"), ("X-Forwarded-Proto", "https, http")]
        #expect(try seen(far) == "192.0.2.1 https inner:8080")
        let spoofed = [("X-Forwarded-For", "6.6.6.6, 192.0.2.1"), ("X-Forwarded-Proto", "https, http")]
        #expect(try seen(spoofed) == "192.0.2.1 http inner:8080")
        #expect(try seen([("X-Forwarded-Proto", "https")]) == "10.0.0.1 https inner:8080")
        #expect(try seen([("X-Forwarded-Proto", "http")], secure: true) == "10.0.0.1 http inner:8080")
        #expect(try seen([("X-Forwarded-Proto", "what")], secure: true) == "10.0.0.1 https inner:8080")
    }

    @Test(
        arguments: [
            ("one.example", nil, "one.example"), ("one.example:81", "82", "one.example:81"),
            ("one.example", "8443", "one.example:8443"), ("one.example", "443", "one.example"),
            (nil, "8443", "inner:8443"),
            (nil, "443", "inner"), ("[::1]", "81", "[::1]:81"), ("a b", nil, "inner:8080"),
            ("a@b", "81", "inner:81"),
            ("", nil, "inner:8080"), ("one.example", "x", "one.example"),
            ("one.example/..", nil, "inner:8080"),
        ] as [(String?, String?, String)])
    func `host and port make the authority that the client asked for`(
        host: String?, port: String?, authority: String
    ) throws {
        var fields = [("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https")]
        if let host { fields.append(("X-Forwarded-Host", host)) }
        if let port { fields.append(("X-Forwarded-Port", port)) }
        #expect(try seen(fields, by: everything) == "192.0.2.1 https \(authority)")
        #expect(try seen(fields) == "192.0.2.1 https inner:8080", "only when asked for")
    }

    // MARK: - Forwarded

    @Test(arguments: [
        ("for=192.0.2.1", "192.0.2.1 http inner:8080"),
        ("For=\"192.0.2.1:4711\"", "192.0.2.1 http inner:8080"),
        ("for=\"[2001:db8::1]:4711\";proto=https", "2001:db8::1 https inner:8080"),
        ("for=192.0.2.1;by=10.0.0.1;PROTO=https;host=\"one.example:81\"", "192.0.2.1 https one.example:81"),
        ("for=6.6.6.6;proto=https, for=192.0.2.1;proto=http", "192.0.2.1 http inner:8080"),
        ("for=192.0.2.1;proto=https, for=10.0.0.2;proto=http", "192.0.2.1 https inner:8080"),
        ("for=6.6.6.6;x=\", for=192.0.2.1", "192.0.2.1 http inner:8080"),
        ("for=6.6.6.6;x=\"\\, for=\"[2001:db8::1]\"", "2001:db8::1 http inner:8080"),
        ("for=\"[2001:db8::1]:_port\"", "2001:db8::1 http inner:8080"),
        ("x=\"a,b;c\\\"d\";for=192.0.2.1", "192.0.2.1 http inner:8080"),
    ]) func `RFC 7239 4: elements are read from the end`(value: String, result: String) throws {
        #expect(try seen([("Forwarded", value)], by: standard) == result)
    }

    @Test(arguments: [
        "for=unknown", "for=_hidden", "for=\"_hidden:1\"", "for=2001:db8::1", "for=\"2001:db8::1\"", "for=",
        "for",
        "for=192.0.2.1;for=6.6.6.6", "for=\"192.0.2.1", "for=192.0.2.1\"", "for=\"192.0.2.1\"x", "=192.0.2.1",
        "for=192.0.2.1;;=", "for=\"192.0.2\\.1\"", "by=192.0.2.1", "for = 192.0.2.1 x",
    ]) func `RFC 7239 6: what is hidden or malformed is not believed`(value: String) throws {
        #expect(try seen([("Forwarded", value)], by: standard) == "10.0.0.1 http inner:8080")
    }

    @Test func `only one kind of fields is read`() throws {
        let both = [
            ("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https"), ("Forwarded", "for=192.0.2.2"),
        ]
        #expect(try seen(both) == "192.0.2.1 https inner:8080")
        #expect(try seen(both, by: standard) == "192.0.2.2 http inner:8080")
    }

    // MARK: - As middleware

    @Test func `handlers, same-origin checks and middleware of unanswered requests see the client`()
        async throws
    {
        let seen = Lock<[String]>([])
        let memory = try InMemory { app in
            app.use(everything)
            app.use { request, next in
                seen.withLock { $0.append("\(request.clientAddress?.host ?? "") \(request.isSameOrigin)") }
                return try await next(request)
            }
            app.get("/") { request in request.clientAddress?.host ?? "" }
        }
        for target in ["/", "/missing"] {
            let fields: HTTPFields = [
                .init("X-Forwarded-For")!: "192.0.2.1", .init("X-Forwarded-Host")!: "one.example",
                .origin: "https://one.example",
            ]
            let request = Request(
                target: target, headers: fields, loop: memory.group.loops[0],
                remoteAddress: SocketAddress(host: "10.0.0.1", port: 1))
            let response = await memory.application.respond(to: request)
            #expect(response.status == (target == "/" ? .ok : .notFound))
        }
        #expect(seen.withLock { $0 } == ["192.0.2.1 true", "192.0.2.1 true"])
    }
}
