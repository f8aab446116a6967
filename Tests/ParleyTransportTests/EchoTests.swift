import ParleyTransport
import Testing

@Suite(.timeLimit(.minutes(2))) struct EchoTests {
    @Test func `bytes come back in order, also when the message is larger than the socket's buffers`()
        async throws
    {
        try await withLoops(2) { group in
            let listener = try await TCPListener.bind(host: "127.0.0.1", port: 0, group: group) { _ in
                EchoHandler()
            }
            let port = listener.localAddress.port
            try await blocking {
                let client = try RawSocket(port: port)
                client.send("hello")
                #expect(client.receiveText(5) == "hello")
                let large = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
                let sender = RawThread { client.send(large) }
                let back = client.receive(exactly: large.count)
                sender.join()
                #expect(back == large)
                client.shutdownWrite()
                #expect(client.receive() == [])
            }
            try await eventually { listener.connectionCount == 0 }
            await listener.close()
        }
    }
}
