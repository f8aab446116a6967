/// What the TLS connections of a server have in common: certificates, keys, and rules. Safe from any thread.
///
/// Give it to a listener by ``TCPListenerOptions/tls``.
public final class TLSContext: Sendable {
    private struct State: Sendable {
        var configuration: TLSConfiguration
        var contexts: ServerContexts
    }

    private let state: Lock<State>
    /// Held while files are read, so that of two reloads the later one wins.
    private let reloading = Lock(())
    /// The same for as long as the context lives, so that clients resume sessions after a reload too.
    private let ticketKeys: TicketKeys

    /// Reads and checks everything that the configuration names. This blocks, on files.
    ///
    /// - Throws: ``TLSError``, which names the file and what is wrong with it.
    public init(_ configuration: TLSConfiguration) throws(TLSError) {
        let keys = try TicketKeys()
        let contexts = try ServerContexts(configuration, ticketKeys: keys)
        ticketKeys = keys
        state = Lock(State(configuration: configuration, contexts: contexts))
    }

    /// The configuration in force.
    public var configuration: TLSConfiguration {
        state.withLock { $0.configuration }
    }

    /// Reads the configuration's files again, such as a renewed certificate. New connections get what they hold now;
    /// open ones are not touched. This blocks, on files.
    ///
    /// - Throws: ``TLSError``; what was in force before is in force still.
    public func reload() throws(TLSError) {
        try replace { $0 }
    }

    /// Puts another configuration in place of the present one, as ``reload()`` does. Clients that were verified under
    /// other ``TLSConfiguration/clientCertificates`` cannot resume their sessions.
    ///
    /// - Throws: ``TLSError``; what was in force before is in force still.
    public func update(_ configuration: TLSConfiguration) throws(TLSError) {
        try replace { _ in configuration }
    }

    private func replace(
        _ change: @Sendable (TLSConfiguration) -> TLSConfiguration
    ) throws(TLSError) {
        try reloading.withLock { _ throws(TLSError) in
            let configuration = change(state.withLock { $0.configuration })
            let contexts = try ServerContexts(configuration, ticketKeys: ticketKeys)
            state.withLock { $0 = State(configuration: configuration, contexts: contexts) }
        }
    }

    /// What connections are to use from now on.
    var contexts: ServerContexts {
        state.withLock { $0.contexts }
    }
}
