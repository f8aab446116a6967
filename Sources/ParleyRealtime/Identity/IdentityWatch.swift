public import Foundation
import ParleyHTTP
import ParleyTransport
public import ParleyWire

/// Watches for the expiry of one socket's identity; touched on its session's loop only, but for what is constant.
final class IdentityWatch: Sendable {
    /// Known from the first time on that the loop looked.
    let expiry = Lock<IdentityExpiry?>(nil)
    nonisolated(unsafe) var timer: LoopTimer?
    nonisolated(unsafe) var hasAsked = false
}

extension Socket {
    /// When the client's identity expires (``Handshake/expires(at:)``); nil when it does not. Setting it replaces what
    /// was said before.
    public var identityExpiry: Date? {
        get { identityRequest?.date }
        set {
            handshake.expiry = newValue.map { .date($0) }
            if let newValue { watchIdentity(until: .date(newValue)) } else { unwatchIdentity() }
        }
    }

    /// When the identity expires, as exactly as it is known by now.
    var identityRequest: IdentityExpiry.Request? {
        let watch = life.withLock { $0.identity }
        return watch?.expiry.withLock { $0 }.map { .deadline($0) } ?? handshake.expiry
    }

    /// The same where the socket is over: a time that was to begin with it has begun, even if its loop never looked.
    var identityDeadline: IdentityExpiry.Request? {
        identityRequest.map { .deadline(IdentityExpiry($0, now: client.session.loop.instant)) }
    }

    func watchIdentity(until request: IdentityExpiry.Request) {
        unwatchIdentity()
        let watch = IdentityWatch()
        life.withLock { $0.identity = watch }
        let loop = client.session.loop
        loop.execute { [self] in
            let expiry = IdentityExpiry(request, now: loop.now)
            watch.expiry.withLock { $0 = expiry }
            schedule(watch, expiry, on: loop)
        }
    }

    func unwatchIdentity() {
        let watch = life.withLock { life in
            defer { life.identity = nil }
            return life.identity
        }
        guard let watch else { return }
        client.session.loop.execute {
            watch.timer?.cancel()
            watch.timer = nil
        }
    }

    /// One timer: for asking, then for the end.
    private func schedule(_ watch: IdentityWatch, _ expiry: IdentityExpiry, on loop: EventLoop) {
        guard isWatched(by: watch), isConnected else { return }
        let left = loop.now.duration(to: expiry.deadline)
        let lead = namespace.identity.refreshLead
        let asksFirst = namespace.identity.refreshEvent != nil && !watch.hasAsked
        let delay = max(.zero, asksFirst ? left - lead : left)
        // The socket's end lets the timer go, and the closure with it.
        watch.timer = loop.schedule(after: delay) { [self] in
            guard isWatched(by: watch) else { return }
            guard asksFirst, loop.now < expiry.deadline else { return leave(.identityExpired) }
            watch.hasAsked = true
            ask(expiry, watch, now: loop.now)
            schedule(watch, expiry, on: loop)
        }
    }

    private func isWatched(by watch: IdentityWatch) -> Bool {
        life.withLock { $0.identity === watch }
    }

    private func ask(_ expiry: IdentityExpiry, _ watch: IdentityWatch, now: MonotonicInstant) {
        guard let event = namespace.identity.refreshEvent else { return }
        let left = now.duration(to: expiry.deadline)
        emit(event, Int64(left / .milliseconds(1)), timeout: left) {
            [self] (reply: Result<JSONValue, any Error>) in
            guard case .success(let auth) = reply else { return }
            client.session.loop.start { [self] in
                do {
                    try await reauthenticate(auth)
                } catch  where error is ConnectError || error is HTTPError {
                    // No news for the application: the socket ends when its identity does.
                } catch {
                    report(EventError(event: event, stage: .handler, underlying: error))
                }
            }
        }
    }
}

extension Socket {
    /// Runs the namespace's middleware for a new authentication payload, in place: the socket stays connected, with
    /// its rooms.
    ///
    /// The middleware sees a handshake with the request of the session, the new payload, and the present handshake as
    /// ``Handshake/previous``. When it accepts, what it stored replaces what was there of the same types, rooms that
    /// it joined are joined, and the identity expires when it says, or not any more. When it throws, everything stays
    /// as it was.
    ///
    /// - Throws: what the middleware throws; ``AcknowledgementError/disconnected`` when the socket is.
    public func reauthenticate(_ auth: JSONValue) async throws {
        guard isConnected else { throw AcknowledgementError.disconnected }
        let renewed = Handshake(
            request: handshake.request, auth: auth, namespace: handshake.namespace,
            namespaceQuery: handshake.namespaceQuery, previous: handshake)
        renewed.adopt(namespace.parameters)
        for step in namespace.middleware { try await step(renewed) }
        guard isConnected else { throw AcknowledgementError.disconnected }
        let rooms = renewed.takeRooms()
        if !rooms.isEmpty { namespace.adapter.join(self, rooms) }
        handshake.adopt(renewed)
        if let expiry = renewed.expiry { watchIdentity(until: expiry) } else { unwatchIdentity() }
    }
}
