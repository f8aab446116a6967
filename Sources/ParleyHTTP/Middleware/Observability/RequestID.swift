public import HTTPTypes

/// Gives each request an id, which is ``Request/id``, in the metadata of ``Request/logger``, and in a field of the response,
/// errors included, so that what a client saw can be found in the logs.
///
/// ```swift
/// app.use(RequestID(trustsClient: true), AccessLog())
/// ```
public struct RequestID: Middleware {
    private let header: HTTPField.Name
    private let trustsClient: Bool
    private let makeID: (@Sendable (Request) -> String)?

    /// Creates the middleware.
    ///
    /// - Parameters:
    ///   - header: the field of request and response, `X-Request-ID` by default.
    ///   - trustsClient: whether an id that the request brings is taken over, where it consists of 1 to 128 letters, digits
    ///     and `-._~+/=:@`. For what stands behind a proxy that sets it; anybody else could make requests look like others.
    ///   - makeID: makes the id of a request that brings none; nil makes 32 hexadecimal digits.
    public init(
        header: HTTPField.Name? = nil, trustsClient: Bool = false,
        makeID: (@Sendable (Request) -> String)? = nil
    ) {
        self.header = header ?? .xRequestID
        self.trustsClient = trustsClient
        self.makeID = makeID
    }

    /// Sets the request's id, passes the request on, and adds the field to its answer.
    public nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response {
        let id = id(for: request)
        request.context.publishID()
        return try await next(request) { headers in headers[header] = id }
    }

    private func id(for request: Request) -> String {
        if trustsClient, let given = request.header(header), Self.isValid(given) {
            request.context.setID(given)
        } else if let makeID {
            request.context.setID(makeID(request))
        }
        return request.id
    }

    private static func isValid(_ id: String) -> Bool {
        (1...128).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                case 0x2D, 0x2E, 0x5F, 0x7E, 0x2B, 0x2F, 0x3D, 0x3A, 0x40: true
                default: false
                }
            }
    }
}
