import HTTPTypes
import ParleyWire

/// Inflates the content of requests that have `Content-Encoding: gzip` or `deflate` (RFC 9110 8.4), while it is read: what
/// handlers see is what the client compressed, without `Content-Encoding` and `Content-Length`.
///
/// ```swift
/// app.use(Decompression())
/// ```
///
/// Content of another coding is 415 with `Accept-Encoding`. Content that inflates to more than the limits is 413, and content
/// that isn't what its coding says, or is cut off, is 400: both are thrown where the content is read, at the piece that shows it.
public struct Decompression: Middleware {
    /// The settings of ``Decompression``.
    public struct Options: Sendable {
        /// The bytes that content may inflate to.
        public var maximumBytes = 10 << 20
        /// How many times longer than what was sent content may become. Text and JSON become 5 to 20 times longer, zeros 1,000.
        public var maximumRatio = 100
        /// The bytes that content may become whatever the ratio.
        public var ratioThreshold = 1 << 20

        /// The defaults.
        public init() {}
    }

    private let options: Options

    /// Creates the middleware. What is used before it sees compressed content, what is used after it doesn't.
    public init(_ options: Options = Options()) {
        self.options = options
    }

    /// Passes the request on, with its content as it was before it was compressed.
    public func respond(to request: Request, next: Next) async throws -> Response {
        guard let field = request.header(.contentEncoding), request.body.announcedLength != 0,
            let coding = try Self.coding(field)
        else { return try await next(request) }
        let limits = ContentInflater.Limits(
            bytes: max(options.maximumBytes, 0), ratio: options.maximumRatio,
            ratioThreshold: max(options.ratioThreshold, 0))
        let inflated = InflatedContent(
            of: request.body, inflater: ContentInflater(coding, limits: limits))
        return try await next(
            request.replacingContent(
                with: RequestBody(mapping: inflated), removing: ["content-encoding", "content-length"]))
    }

    /// The coding of a `Content-Encoding`; nil for none.
    private static func coding(_ field: String) throws(HTTPError) -> ContentInflater.Coding? {
        let names = WeightedList(field).elements.map(\.name).filter { $0 != "identity" }
        switch names {
        case []: return nil
        case ["gzip"], ["x-gzip"]: return .gzip
        case ["deflate"]: return .deflate
        default:
            // RFC 9110 15.5.16: the field says what would have been accepted.
            throw HTTPError(
                .unsupportedMediaType, "content codings that are accepted: gzip, deflate, one at a time",
                headers: [.acceptEncoding: "gzip, deflate"])
        }
    }
}
