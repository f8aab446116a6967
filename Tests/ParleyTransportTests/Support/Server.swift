@testable import ParleyTransport

/// A listener whose connections record their events.
struct Server {
    let listener: TCPListener
    let accepted: Accepted
    var port: UInt16 { listener.localAddress.port }

    static func start(
        on group: EventLoopGroup, options: TCPListenerOptions = TCPListenerOptions(),
        configure: @escaping @Sendable (RecordingHandler, any ByteStream) -> Void = { _, _ in }
    ) async throws -> Server {
        let accepted = Accepted()
        let listener = try await TCPListener.bind(host: "127.0.0.1", port: 0, options: options, group: group)
        {
            stream in
            let handler = RecordingHandler()
            configure(handler, stream)
            accepted.add(stream, handler)
            return handler
        }
        return Server(listener: listener, accepted: accepted)
    }
}

/// Sends a text on a stream.
func send(_ text: String, on stream: any ByteStream) {
    stream.send(Array(text.utf8).span)
}

/// Bytes in which a missing, doubled or misplaced piece shows.
func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}
