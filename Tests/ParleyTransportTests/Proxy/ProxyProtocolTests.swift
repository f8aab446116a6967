import Testing

@testable import ParleyTransport

@Suite(.timeLimit(.minutes(2))) struct ProxyProtocolTests {
    private let line = "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n"

    private func withProxied(
        _ options: ProxyProtocol = ProxyProtocol(trusting: [.loopback]),
        _ body: (Accepted, UInt16) async throws -> Void
    ) async throws {
        try await withLoops { group in
            let accepted = Accepted()
            let listener = try await TCPListener.bind(
                .tcp(port: 0).withProxyProtocol(options), group: group
            ) { stream in
                let handler = RecordingHandler()
                handler.onReceive = { bytes, stream in stream.send(bytes.span) }
                accepted.add(stream, handler)
                return handler
            }
            try await body(accepted, listener.localAddress.port)
        }
    }

    @Test func `the header is taken off, however it is cut, and what follows is served`() async throws {
        try await withProxied { accepted, port in
            let whole = try RawSocket(port: port)
            whole.send(line + "hello")
            #expect(try await blocking { whole.receiveText(5) } == "hello")
            let slow = try RawSocket(port: port)
            slow.set(1, 1)
            for byte in Array((line + "h").utf8) {
                slow.send([byte])
                try await Task.sleep(for: .milliseconds(1))
            }
            #expect(try await blocking { slow.receiveText(1) } == "h")
            for stream in accepted.all {
                #expect(stream.remoteAddress?.host == "127.0.0.1")
                #expect(stream.proxiedClient?.address == SocketAddress(host: "192.0.2.1", port: 4711))
                #expect(stream.proxiedClient?.destination == SocketAddress(host: "198.51.100.2", port: 443))
            }
        }
    }

    @Test func `without a header in order the connection is closed, and nobody hears of it`() async throws {
        try await withProxied { accepted, port in
            for text in ["GET / HTTP/1.1\r\n\r\n", "PROXY nonsense\r\n", "PROXY "] {
                let client = try RawSocket(port: port)
                client.send(text)
                client.shutdownWrite()
                #expect(try await blocking { client.receive() }?.isEmpty ?? true)
            }
            #expect(accepted.all.isEmpty)
        }
    }

    @Test func `a header must come in time`() async throws {
        var options = ProxyProtocol(trusting: [.loopback])
        options.headerTimeout = .milliseconds(100)
        try await withProxied(options) { accepted, port in
            let client = try RawSocket(port: port)
            client.send("PROXY ")
            let start = ContinuousClock.now
            #expect(try await blocking { client.receive() }?.isEmpty ?? true)
            #expect(start.duration(to: .now) < .seconds(5))
            let prompt = try RawSocket(port: port)
            prompt.send(line + "a")
            #expect(try await blocking { prompt.receiveText(1) } == "a")
            try await Task.sleep(for: .milliseconds(200))
            prompt.send("b")
            #expect(try await blocking { prompt.receiveText(1) } == "b")
        }
    }

    @Test func `strangers are closed, or served as themselves`() async throws {
        var options = ProxyProtocol(trusting: [try AddressRange("192.0.2.0/24")])
        try await withProxied(options) { accepted, port in
            let client = try RawSocket(port: port)
            client.send(line)
            #expect(try await blocking { client.receive() }?.isEmpty ?? true)
            #expect(accepted.all.isEmpty)
        }
        options.strangers = .servedAsItself
        try await withProxied(options) { accepted, port in
            let client = try RawSocket(port: port)
            client.send(line)
            let count = line.utf8.count
            let echo = try await blocking { client.receiveText(count) }
            #expect(echo == line)
            let (stream, _) = try await accepted.first()
            #expect(stream.proxiedClient == nil)
        }
    }

    @Test func `nobody is trusted unless named, and limits have bounds`() {
        let none = ProxyProtocol(trusting: [])
        #expect(!none.trusts(SocketAddress(host: "127.0.0.1", port: 1)) && !none.trusts(nil))
        #expect(ProxyProtocol(trusting: [.unix]).trusts(SocketAddress(unixPath: "")))
        var options = none
        options.maximumHeaderBytes = 1_000_000
        #expect(options.headerLimit == 2048)
    }

    @Test func `an address that is to use TLS needs a certificate`() async throws {
        try await withLoops { group in
            await #expect(throws: TransportError.self) {
                try await TCPListener.bind(.tcp(port: 0).withTLS(), group: group) { _ in EchoHandler() }
            }
        }
    }
}
