/// A rule of Engine.IO about the order of packets and requests; those of their form are `EngineIOError`.
enum EngineViolation: Error, CustomStringConvertible {
    case unaskedPong
    case pingFromClient
    case serversPacket
    case overlappingPolls
    case overlappingPosts
    case formWithoutPayload
    case webSocket(code: UInt16, rule: String)

    /// The rule.
    var description: String {
        switch self {
        case .unaskedPong: "Engine.IO: a pong that nobody asked for"
        case .pingFromClient: "Engine.IO: a ping from a client"
        case .serversPacket: "Engine.IO: a packet that only servers send"
        case .overlappingPolls: "Engine.IO: a GET while another one waits"
        case .overlappingPosts: "Engine.IO: a POST while another one is handled"
        case .formWithoutPayload: "Engine.IO: a form without its payload"
        // The client may be who gives the reason: its line breaks must not look like the log's.
        case .webSocket(let code, let rule): "WebSocket, \(code): \(rule.debugDescription)"
        }
    }
}

extension EngineSession {
    /// The client broke the protocol, or went beyond a limit: which, only the log says.
    func violate(_ error: any Error, _ reason: DisconnectReason = .parseError) {
        if isOpen {
            server.logger.debug(
                "a client is disconnected for what it sent", metadata: ["error": "\(error)"])
        }
        close(reason)
    }
}
