public import HTTPTypes
import ParleyWire

/// Answers errors in the form that the client prefers (`Accept`): a problem document (`application/problem+json`, RFC 9457), an HTML
/// page, or plain text.
///
/// It answers what handlers and inner middleware throw, 404 and 405 of the router, and responses from 400 on that have no content.
/// What isn't an ``HTTPError`` is logged, and the client is told of an internal error only. What the server itself refuses, before
/// there is a request (malformed heads, limits of the protocol) or when it is late (408), no middleware sees: that is plain text.
///
/// ```swift
/// app.use(AccessLog(), ErrorPages())
/// ```
public struct ErrorPages: Middleware {
    /// Makes the response to an error; nil leaves it to the forms above. Status and fields of the error are set afterwards, where
    /// the response doesn't set them itself.
    public typealias Renderer = @Sendable (_ page: ErrorPage, _ request: Request) async throws -> Response?

    private let replacesContent: Bool
    private let fallback: ErrorPageFormat
    private let renderer: Renderer?

    /// Creates the middleware.
    ///
    /// - Parameters:
    ///   - replacesContent: whether responses from 400 on are replaced although a handler gave them content.
    ///   - fallback: the form for clients that take anything.
    ///   - renderer: pages of the application's own. What it throws is logged, and the page is one of those above.
    public init(
        replacesContent: Bool = false, fallback: ErrorPageFormat = .text, renderer: Renderer? = nil
    ) {
        self.replacesContent = replacesContent
        self.fallback = fallback
        self.renderer = renderer
    }

    /// Passes the request on, and answers the errors that come back.
    public nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response {
        do {
            let response = try await next(request)
            guard response.status.code >= 400, isReplaced(response) else { return response }
            let error = HTTPError(response.status, headers: response.headers)
            return await render(ErrorPage(answer: error, cause: nil, request: request), request)
        } catch {
            let answer = request.answer(to: error)
            return await render(ErrorPage(answer: answer, cause: error, request: request), request)
        }
    }

    private func isReplaced(_ response: Response) -> Bool {
        switch response.body.content {
        case .upgrade: false
        case .empty: true
        case .bytes(let bytes): replacesContent || bytes.isEmpty
        case .text(let text): replacesContent || text.isEmpty
        case .stream: replacesContent
        }
    }

    private nonisolated(nonsending) func render(_ page: ErrorPage, _ request: Request) async -> Response {
        if var own = await ownPage(page, request) {
            if own.status == .ok { own.status = page.status }
            own.headers.complement(with: page.headers)
            own.headers.addVary(.accept)
            return own
        }
        let format = ErrorPageFormat.preferred(by: request.header(.accept)) ?? fallback
        var response = Response(
            status: page.status, headers: page.headers, body: .bytes(format.content(of: page)))
        response.headers[.contentType] = format.mediaType
        response.headers.addVary(.accept)
        return response
    }

    private nonisolated(nonsending) func ownPage(_ page: ErrorPage, _ request: Request) async -> Response? {
        guard let renderer else { return nil }
        do {
            return try await renderer(page, request)
        } catch {
            request.logger.error("error page failed", metadata: ["error": "\(String(reflecting: error))"])
            return nil
        }
    }
}

/// What a client is told of an error.
public struct ErrorPage: Sendable {
    /// The status of the response.
    public let status: HTTPResponse.Status
    /// What happened, for people. It is text: HTML must escape it, as ``escapedMessage`` is.
    public let message: String
    /// Fields that the response will have, such as `WWW-Authenticate` and `Allow`.
    public let headers: HTTPFields
    /// The request's id, to be found in the logs; nil where nobody gives ids to clients (``RequestID``).
    public let requestID: String?
    /// The error as it was thrown; nil for a response without content. Not for the client's eyes.
    public let cause: (any Error)?

    init(answer: HTTPError, cause: (any Error)?, request: Request) {
        status = answer.status
        message = answer.message
        self.headers = answer.headers.withoutContentFields(of: answer.status)
        requestID = request.context.publishedID
        self.cause = cause
    }

    /// The name of the status, such as `Not Found`.
    public var title: String { status.reasonPhrase.isEmpty ? "Error" : status.reasonPhrase }

    /// The message, with what HTML takes for markup escaped.
    public var escapedMessage: String { HTMLText.escaped(message) }
}

extension HTTPFields {
    /// The fields without those that describe a content which another one takes the place of (RFC 9110 8).
    fileprivate func withoutContentFields(of status: HTTPResponse.Status) -> HTTPFields {
        var fields = self
        for name in [
            .contentType, .contentEncoding, .contentDisposition, .contentLanguage, .contentLocation, .eTag,
            .lastModified, .acceptRanges,
        ] as [HTTPField.Name] {
            fields[name] = nil
        }
        if status != .rangeNotSatisfiable { fields[.contentRange] = nil }
        return fields
    }
}
