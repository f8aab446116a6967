import Foundation
import HTTPTypes

/// Gives every request its client's ``Session``, known by a cookie with a random id.
///
/// A session begins when something is put into it: clients of which nothing is remembered get no cookie, and the store isn't
/// asked about them. The same holds for upgrades: the handshake of a WebSocket or of a realtime client has its session too.
public struct Sessions: Middleware {
    private let keeper: SessionKeeper

    /// Creates the middleware. Use it before whatever asks for the session.
    public init(store: any SessionStore = MemorySessionStore(), options: SessionOptions = SessionOptions()) {
        self.init(store: store, options: options) { Int64(Date().timeIntervalSince1970 * 1000) }
    }

    init(store: any SessionStore, options: SessionOptions, now: @escaping @Sendable () -> Int64) {
        keeper = SessionKeeper(store: store, options: options, now: now)
    }

    /// Loads the session, passes the request on, and saves what was changed.
    public func respond(to request: Request, next: Next) async throws -> Response {
        let session = try await keeper.open(request)
        var request = request
        request[Session.self] = session
        var response: Response
        do {
            response = try await next(request)
        } catch var error as HTTPError {
            try await commit(session, request, &error.headers)
            throw error
        }
        try await commit(session, request, &response.headers)
        response.body = response.body.followed(by: session)
        return response
    }

    private func commit(_ session: Session, _ request: Request, _ headers: inout HTTPFields) async throws {
        if let cookie = try await session.commit(isSecure: request.isSecure) { try headers.setCookie(cookie) }
        if session.isAccessed { headers.addVary(.cookie) }
    }
}

extension ResponseBody {
    /// The body; what is changed of the session while it is streamed is saved at its end.
    fileprivate func followed(by session: Session) -> ResponseBody {
        guard case .stream(let length, let produce) = content, session.isAccessed else { return self }
        return streamed(length: length) { writer in
            do {
                try await produce(writer)
            } catch {
                try? await session.save()
                throw error
            }
            try await session.save()
        }
    }
}
