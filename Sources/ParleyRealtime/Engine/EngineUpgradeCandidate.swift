import ParleyHTTP
import ParleyTransport
import ParleyWire

/// A WebSocket that may become the transport of a session over polling, by the probe (`2probe`, `3probe`, `5`; Engine.IO
/// protocol, "Upgrade"). All of it runs on the connection's loop.
final class EngineUpgradeCandidate: WebSocketHandler {
    /// `3probe` in a text frame.
    private static let probeReply: [UInt8] = [0x81, 6] + Array("3probe".utf8)

    private let session: EngineSession
    private var timeout: LoopTimer?

    /// - Parameter timeout: within which it has to become the transport.
    init(_ connection: WebSocketConnection, session: EngineSession, timeout: Duration) {
        self.session = session
        self.timeout = connection.loop.schedule(after: timeout) { [weak self, weak connection] in
            guard let self, let connection else { return }
            self.abandon(connection)
        }
    }

    func received(text: Span<UInt8>, on connection: WebSocketConnection) {
        if text.isEqual(to: "2probe"), session.probed(connection) {
            connection.send(frames: Self.probeReply)
        } else if text.isEqual(to: "5"), session.completeUpgrade(connection) {
            cancelTimeout()
            connection.replaceHandler(by: EngineWebSocketTransport(session: session))
        } else {
            abandon(connection)
        }
    }

    func received(binary: Span<UInt8>, on connection: WebSocketConnection) { abandon(connection) }

    private func abandon(_ connection: WebSocketConnection) {
        session.abandonUpgrade(connection)
        cancelTimeout()
        connection.close(code: 1000, reason: "")
    }

    func closed(_ connection: WebSocketConnection, code: UInt16, reason: String) {
        cancelTimeout()
        session.abandonUpgrade(connection)
    }

    private func cancelTimeout() {
        timeout?.cancel()
        timeout = nil
    }
}
