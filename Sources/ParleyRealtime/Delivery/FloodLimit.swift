/// How much one client may send, over all its namespaces, in the long run and at once. Every message counts,
/// attachments too.
public struct FloodLimit: Sendable, Equatable {
    /// What becomes of a client that sends more.
    public enum Action: Sendable, Equatable {
        /// It is not read from until it is within the limit again: nothing is lost, and its own connection fills up. Its
        /// pong, which waits behind the rest, has the time anew when it is read from again.
        case pause
        /// Its events are dropped; acknowledgements and what joins or leaves namespaces are not.
        case drop
        /// Its session is closed, "flood".
        case disconnect
    }

    /// Messages a second; nil: any number.
    public var packetsPerSecond: Int?
    /// Bytes a second, as they travel; nil: any number.
    public var bytesPerSecond: Int?
    /// How many seconds' worth may come at once.
    public var burst: Duration
    /// What becomes of a client that sends more.
    public var action: Action

    /// A limit.
    public init(
        packetsPerSecond: Int? = nil, bytesPerSecond: Int? = nil, burst: Duration = .seconds(2),
        action: Action = .pause
    ) {
        self.packetsPerSecond = packetsPerSecond
        self.bytesPerSecond = bytesPerSecond
        self.burst = burst
        self.action = action
    }
}

/// What a client sent too much of.
public struct FloodReport: Sendable, Equatable {
    /// What there was too much of.
    public enum Measure: Sendable, Equatable {
        /// Messages.
        case packets
        /// Bytes.
        case bytes
    }

    /// What there was too much of.
    public let measure: Measure
    /// What becomes of the client.
    public let action: FloodLimit.Action
}

extension Namespace {
    /// Calls the handler when a client in this namespace begins to send more than ``FloodLimit`` allows; again only
    /// when it has been within the limit in between.
    public func onFlood(_ handler: @escaping @Sendable (Socket, FloodReport) -> Void) {
        update { $0.floodHandlers.append(handler) }
    }
}
