public import Foundation
import ParleyTransport

/// When an identity expires: for the application by the wall clock, for the server by the loops' clock, which does not
/// jump.
struct IdentityExpiry: Sendable {
    /// How it was asked for; the loop's clock is known when the socket is.
    enum Request: Sendable {
        case date(Date)
        case delay(Duration)
        case deadline(IdentityExpiry)
    }

    let date: Date
    let deadline: MonotonicInstant

    init(_ request: Request, now: MonotonicInstant) {
        switch request {
        case .date(let date):
            self.date = date
            let seconds = min(max(0, date.timeIntervalSinceNow), 1e9)
            deadline = now.advanced(by: .milliseconds(Int64((seconds * 1000).rounded(.up))))
        case .delay(let delay):
            date = Date(timeIntervalSinceNow: delay / .seconds(1))
            deadline = now.advanced(by: delay)
        case .deadline(let expiry): self = expiry
        }
    }
}

extension IdentityExpiry.Request {
    /// Whether the time is over, as far as that can be known.
    func isOver(now: MonotonicInstant?) -> Bool {
        switch self {
        case .date(let date): date.timeIntervalSinceNow <= 0
        case .delay: false
        case .deadline(let expiry):
            now.map { expiry.deadline <= $0 } ?? (expiry.date.timeIntervalSinceNow <= 0)
        }
    }

    /// The time by the wall clock; for a delay, from now on.
    var date: Date {
        switch self {
        case .date(let date): date
        case .delay(let delay): Date(timeIntervalSinceNow: delay / .seconds(1))
        case .deadline(let expiry): expiry.date
        }
    }
}

extension Handshake {
    /// Says when the client's identity expires, such as the expiry of a token. Shortly before, the client is asked for
    /// a new authentication payload (``IdentityOptions``); at that time the socket is disconnected unless it was
    /// accepted.
    public func expires(at date: Date) {
        state.withLock { $0.expiry = .date(date) }
    }

    /// Says how long the client's identity is good for, from the time when it is admitted.
    public func expires(after delay: Duration) {
        state.withLock { $0.expiry = .delay(delay) }
    }

    var expiry: IdentityExpiry.Request? {
        get { state.withLock { $0.expiry } }
        set { state.withLock { $0.expiry = newValue } }
    }

    /// Takes over what a new handshake of the same client found out.
    func adopt(_ renewed: Handshake) {
        let other = renewed.state.withLock { $0 }
        state.withLock { state in
            state.auth = other.auth
            state.storage.merge(other.renewed ?? other.storage)
            state.expiry = other.expiry
        }
    }
}
