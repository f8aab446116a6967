import ParleyHTTP
import ParleyTransport
import ParleyWire

/// The WebSocket of an Engine.IO session: the session's transport from the start, or a candidate that becomes it by the
/// probe (`2probe`, `3probe`, `5`; Engine.IO protocol, "Upgrade"). All of it runs on the connection's loop.
final class EngineWebSocketTransport: WebSocketHandler {
    /// `3probe` in a text frame.
    private static let probeReply: [UInt8] = [0x81, 6] + Array("3probe".utf8)

    private let session: EngineSession
    /// Held here too, so that a message costs no lock on the way in.
    private var delegate: (any EngineSessionDelegate)?
    private var isActive: Bool
    private var timeout: LoopTimer?

    /// The transport of a session that begins on it.
    init(session: EngineSession) {
        self.session = session
        isActive = true
        delegate = session.delegate
    }

    /// A candidate, which has so long to become the transport.
    init(candidate connection: WebSocketConnection, session: EngineSession, timeout: Duration) {
        self.session = session
        isActive = false
        self.timeout = connection.loop.schedule(after: timeout) { [weak self, weak connection] in
            guard let self, let connection else { return }
            self.abandon(connection)
        }
    }

    func received(text: Span<UInt8>, on connection: WebSocketConnection) {
        guard isActive else { return probe(text, connection) }
        do {
            let type = try EngineIOPacketType.ofTextFrame(text)
            let data = text.extracting(droppingFirst: 1)
            if type == .message {
                delegate?.received(text: data)
            } else {
                session.received(type, data)
            }
        } catch {
            guard !receivedBase64(text) else { return }
            session.violate(error)
        }
    }

    /// Binary as base64, from an Engine.IO 3 client whose WebSocket knows no other.
    private func receivedBase64(_ text: Span<UInt8>) -> Bool {
        guard session.revision == .three, let message = try? EngineIO3.base64Message(text) else {
            return false
        }
        delegate?.received(binary: message)
        return true
    }

    func received(binary: Span<UInt8>, on connection: WebSocketConnection) {
        guard isActive else { return abandon(connection) }
        guard session.revision == .three else {
            delegate?.received(binary: Array(span: binary))
            return
        }
        do {
            let content = try EngineIO3.binaryMessage(binary)
            delegate?.received(binary: Array(span: binary.extracting(content)))
        } catch {
            session.violate(error)
        }
    }

    private func probe(_ text: Span<UInt8>, _ connection: WebSocketConnection) {
        if text.isEqual(to: "2probe"), session.probed(connection) {
            connection.send(frames: Self.probeReply)
        } else if text.isEqual(to: "5"), session.completeUpgrade(connection) {
            timeout?.cancel()
            timeout = nil
            isActive = true
            delegate = session.delegate
        } else {
            abandon(connection)
        }
    }

    private func abandon(_ connection: WebSocketConnection) {
        session.abandonUpgrade(connection)
        timeout?.cancel()
        timeout = nil
        connection.close(code: 1000, reason: "")
    }

    func receivedPong(on connection: WebSocketConnection) {}

    func becameWritable(_ connection: WebSocketConnection) { session.becameWritable(connection) }

    func closed(_ connection: WebSocketConnection, code: UInt16, reason: String) {
        timeout?.cancel()
        delegate = nil
        guard isActive else { return session.abandonUpgrade(connection) }
        switch code {
        // A peer that broke the rules of WebSocket, or says that this side did; any other end is a close.
        case 1002, 1003, 1007, 1009:
            session.violate(EngineViolation.webSocket(code: code, rule: reason), .transportError)
        default: session.close(.transportClose)
        }
    }
}
