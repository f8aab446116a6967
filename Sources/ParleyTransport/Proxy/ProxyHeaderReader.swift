import Logging
import ParleyWire

/// The first handler of a connection from a proxy: takes the PROXY protocol header off, and makes way for the connection's own
/// protocol, be it TLS or HTTP. Loop only.
final class ProxyHeaderReader: ByteStreamHandler {
    private var decoder: ProxyHeaderDecoder
    private let makeHandler: @Sendable (any ByteStream) -> any ByteStreamHandler
    private var timer: LoopTimer?

    init(
        connection: TCPConnection, options: ProxyProtocol,
        makeHandler: @escaping @Sendable (any ByteStream) -> any ByteStreamHandler
    ) {
        decoder = ProxyHeaderDecoder(limit: options.headerLimit)
        self.makeHandler = makeHandler
        let timeout = options.headerTimeout
        // Strongly, as in TLSStream: the timer goes with the header, or with the connection.
        timer = connection.loop.schedule(after: timeout) {
            self.refuse(connection, "PROXY header takes longer than headerTimeout, \(timeout)")
        }
    }

    func received(_ bytes: inout MutableSpan<UInt8>, from stream: any ByteStream) {
        guard let connection = stream as? TCPConnection else { return }
        do throws(ProxyHeaderError) {
            guard case .complete(let header, let count) = try decoder.decode(bytes.span) else { return }
            connection.proxiedClient = ProxiedClient(header)
            handOver(connection, rest: &bytes, from: count)
        } catch {
            refuse(connection, "\(error)")
        }
    }

    private func handOver(_ connection: TCPConnection, rest: inout MutableSpan<UInt8>, from start: Int) {
        stopTimer()
        let next = makeHandler(connection)
        connection.handler = next
        rest.withUnsafeMutableBufferPointer { all in
            guard start < all.count, let base = all.baseAddress else { return }
            var rest = MutableSpan<UInt8>(_unsafeStart: base + start, count: all.count - start)
            next.received(&rest, from: connection)
        }
    }

    /// Closes without a word (2: "the receiver ... must abort the connection").
    private func refuse(_ connection: TCPConnection, _ reason: String) {
        stopTimer()
        let peer = connection.remoteAddress.map { "\($0)" } ?? ""
        connection.loop.logger.debug(
            "PROXY connection refused", metadata: ["reason": "\(reason)", "peer": "\(peer)"])
        connection.reset()
    }

    private func stopTimer() {
        timer?.cancel()
        timer = nil
    }

    func receivedEnd(from stream: any ByteStream) { stream.close(linger: .zero) }

    func becameWritable(_ stream: any ByteStream) {}

    func closed(_ stream: any ByteStream, reason: CloseReason) { stopTimer() }
}
