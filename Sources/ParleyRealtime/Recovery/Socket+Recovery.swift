import ParleyHTTP
import ParleyTransport

extension Socket {
    /// Whether the socket goes on with the session of a connection that broke: it has its former id, its rooms and
    /// what was stored for it, and the client gets the events that it missed. Connection handlers are called for it as
    /// for any other.
    public var isRecovered: Bool { ticket?.isRecovered ?? false }
}

extension DisconnectReason {
    /// Whether the client of a socket that ended for this reason may come back to it.
    var isRecoverable: Bool {
        switch self {
        case .transportClose, .transportError, .pingTimeout: true
        default: false
        }
    }
}

extension Namespace {
    /// Calls the handler for each session of a client that went away and can't be recovered any more: the place to
    /// give up what was kept for it. Without connection state recovery it is never called.
    public func onRecoveryExpired(_ handler: @escaping @Sendable (ExpiredSession) -> Void) {
        update { $0.expiryHandlers.append(handler) }
    }
}

extension Handshake {
    /// Whether the client comes back to a session that was interrupted (``RecoveryOptions/skipMiddlewares``).
    public var isRecovered: Bool { state.withLock { $0.isRecovered } }

    /// Takes over what was stored for the client. What HTTP middleware found out about this connection's request goes
    /// before it.
    func adopt(_ session: SavedSession) {
        state.withLock { state in
            var storage = session.storage
            storage.merge(request.storage)
            state.storage = storage
            state.isRecovered = true
            state.expiry = session.identityExpiry
        }
    }
}
