/// What happens before a client's identity expires.
public struct IdentityOptions: Sendable {
    /// How long before the expiry the client is asked.
    public var refreshLead: Duration
    /// The event that asks it. Its argument is the time that is left, in milliseconds; the client's acknowledgement is
    /// its new authentication payload, for which the namespace's middleware runs again. Nil asks nobody.
    public var refreshEvent: String?

    /// Options; the defaults are 60 seconds and `refresh`.
    public init(refreshLead: Duration = .seconds(60), refreshEvent: String? = "refresh") {
        self.refreshLead = refreshLead
        self.refreshEvent = refreshEvent
    }
}
