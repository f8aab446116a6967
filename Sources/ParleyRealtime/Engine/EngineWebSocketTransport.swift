import ParleyHTTP
import ParleyWire

/// The WebSocket that is the transport of an Engine.IO session. All of it runs on the connection's loop.
final class EngineWebSocketTransport: WebSocketHandler {
    private let session: EngineSession
    /// Held here too, so that a message costs no lock on the way in; nil for a session that is closed already.
    private let delegate: (any EngineSessionDelegate)?

    init(session: EngineSession) {
        self.session = session
        delegate = session.delegate
    }

    func received(text: Span<UInt8>, on connection: WebSocketConnection) {
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

    func becameWritable(_ connection: WebSocketConnection) { session.becameWritable(connection) }

    func closed(_ connection: WebSocketConnection, code: UInt16, reason: String) {
        switch code {
        // A peer that broke the rules of WebSocket, or says that this side did; any other end is a close.
        case 1002, 1003, 1007, 1009:
            session.violate(EngineViolation.webSocket(code: code, rule: reason), .transportError)
        default: session.close(.transportClose)
        }
    }
}
