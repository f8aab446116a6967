import Logging
import ParleyTransport
import ParleyWire

/// What the connections of one event loop share: configuration, responder, a buffer to encode into, the date.
///
/// Sound as `Sendable`: everything that changes is touched on the loop's thread only.
final class HTTPServerLoop: @unchecked Sendable {
    let loop: EventLoop
    let configuration: ServerConfiguration
    let timeouts: ServerTimeouts
    let responder: Responder
    /// What responses are encoded into before they are copied to an outbox; empty between two uses.
    @exclusivity(unchecked) var scratch: [UInt8] = []
    @exclusivity(unchecked) private(set) var isShuttingDown = false
    /// What HTTP/2 makes its frames in; empty between two uses.
    @exclusivity(unchecked) var frames: [UInt8] = []
    /// Header sections of HTTP/2 are collected here before they are compressed; empty between two uses.
    @exclusivity(unchecked) var fields = HTTP2FieldSection()
    @exclusivity(unchecked) private var dateSecond = -1
    @exclusivity(unchecked) private var dateBytes: [UInt8] = []

    init(loop: EventLoop, configuration: ServerConfiguration, responder: Responder) {
        self.loop = loop
        self.configuration = configuration
        timeouts = ServerTimeouts(configuration)
        self.responder = responder
        scratch.reserveCapacity(16 * 1024)
    }

    /// The value of `Date`, formatted anew when the second changed (RFC 9110 6.6.1).
    var date: [UInt8] {
        let second = loop.wallClockSeconds
        if second != dateSecond {
            dateSecond = second
            dateBytes = HTTPDate.bytes(Int64(second))
        }
        return dateBytes
    }

    /// Serves a new stream with the version of HTTP that the TLS handshake agreed on (ALPN, RFC 9113 3.2), or in clear text
    /// the one that its first bytes ask for.
    func accept(_ stream: any ByteStream) -> any ByteStreamHandler {
        let handler = makeHandler(stream)
        if isShuttingDown { handler.shutDown(stream, spread: .zero) }
        return handler
    }

    private func makeHandler(_ stream: any ByteStream) -> any ByteStreamHandler {
        guard configuration.http2 != nil else { return makeHTTP1Connection(stream) }
        if stream.isSecure {
            let isHTTP2 = stream.tls?.applicationProtocol == "h2"
            return isHTTP2 ? makeHTTP2Connection(stream) : makeHTTP1Connection(stream)
        }
        let sniffer = ProtocolSniffer(stream: stream, server: self)
        sniffer.open()
        return sniffer
    }

    func makeHTTP1Connection(_ stream: any ByteStream) -> HTTP1Connection {
        let connection = HTTP1Connection(stream: stream, server: self)
        connection.open()
        return connection
    }

    /// HTTP/1.1 in its place, where there is no memory for a session.
    func makeHTTP2Connection(_ stream: any ByteStream) -> any ByteStreamHandler {
        do throws(HTTP2Violation) {
            let connection = try HTTP2Connection(stream: stream, server: self)
            connection.open()
            return connection
        } catch {
            responder.logger.error("cannot serve HTTP/2", metadata: ["error": "\(error.rule)"])
            return makeHTTP1Connection(stream)
        }
    }

    /// Connections that come from now on are shut down at once.
    func beginShutdown() { isShuttingDown = true }

    /// Does something at a random moment within a time, so that the clients that it concerns don't all act at once.
    func atRandom(within spread: Duration, _ body: @escaping () -> Void) {
        guard spread > .zero else { return body() }
        _ = loop.schedule(after: .milliseconds(Int64.random(in: 0...max(0, spread.milliseconds))), body)
    }

    /// Logs that a streamed body ended with an error, unless it was stopped because its client is gone.
    func logFailedBody(_ error: any Error) {
        guard !(error is CancellationError || error is ResponseWriterError) else { return }
        responder.logger.error(
            "streamed response failed", metadata: ["error": "\(String(reflecting: error))"])
    }
}
