import ParleyTransport
import ParleyWire

/// Waits for the first bytes of a clear-text connection, which tell HTTP/2 with prior knowledge (RFC 9113 3.3) from HTTP/1.1,
/// and hands the stream over to whoever speaks that.
final class ProtocolSniffer: ByteStreamHandler {
    private let server: HTTPServerLoop
    private let stream: any ByteStream
    /// The beginning of a preface: less than its 24 bytes.
    private var held: [UInt8] = []
    private var timer = DeadlineTimer()
    private var isShuttingDown = false

    init(stream: any ByteStream, server: HTTPServerLoop) {
        self.stream = stream
        self.server = server
    }

    /// Starts to watch a connection that may never send anything.
    func open() { arm(server.timeouts.keepAlive) }

    func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) {
        guard !held.isEmpty else {
            switch HTTP2Preface.match(bytes.span) {
            case .complete: handOver(to: server.makeHTTP2Connection(stream), &bytes)
            case .none: handOver(to: server.makeHTTP1Connection(stream), &bytes)
            case .partial: hold(bytes.span)
            }
            return
        }
        held.append(span: bytes.span)
        var all = held
        var span = all.mutableSpan
        switch HTTP2Preface.match(span.span) {
        case .complete: handOver(to: server.makeHTTP2Connection(stream), &span)
        case .none: handOver(to: server.makeHTTP1Connection(stream), &span)
        case .partial: break
        }
    }

    private func hold(_ bytes: Span<UInt8>) {
        held.append(span: bytes)
        arm(server.timeouts.preface)
    }

    private func handOver(to handler: any ByteStreamHandler, _ bytes: inout MutableSpan<UInt8>) {
        timer.stop()
        stream.handler = handler
        handler.received(&bytes, from: stream)
        // Behind what it begins with, which is answered.
        if isShuttingDown, stream.handler === handler { handler.shutDown(stream, spread: .zero) }
    }

    func receivedEnd(from stream: any ByteStream) { close() }

    func becameWritable(_ stream: any ByteStream) {}

    func closed(_ stream: any ByteStream, reason: CloseReason) { timer.stop() }

    /// A connection that has begun to ask for something gets its answer.
    func shutDown(_ stream: any ByteStream, spread: Duration) {
        isShuttingDown = true
        if held.isEmpty { arm(server.timeouts.shutdownGrace) }
    }

    private func close() {
        timer.stop()
        stream.close(linger: server.configuration.lingerTimeout)
    }

    private func arm(_ milliseconds: UInt64) {
        let deadline = server.loop.now.adding(milliseconds)
        guard timer.isLate(for: deadline) else { return }
        // Not weak, as in HTTP1Connection: the cycle ends with the connection, or when it is handed over.
        timer.arm(deadline, on: server.loop) { [self] in
            timer.fired()
            close()
        }
    }
}

extension [UInt8] {
    /// Appends a copy of the bytes.
    mutating func append(span: Span<UInt8>) {
        span.withUnsafeBufferPointer { append(contentsOf: $0) }
    }
}
