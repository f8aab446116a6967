/// What becomes of a message for a peer that doesn't take what was sent as fast as it is sent: more than the outbox's high
/// watermark is pending (`StreamLimits`, 1 MiB).
public enum WebSocketSendPolicy: Sendable, Equatable {
    /// The sender is suspended until there is room again, and then it is sent.
    case suspend
    /// It is not sent: for what will be outdated when the peer could take it, such as positions and prices.
    case drop
    /// It is not sent, and the connection is closed (1008): the client may come back and begin anew.
    case disconnect
}
