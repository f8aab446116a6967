import HTTPTypes
import ParleyWire

/// Compresses responses by `gzip` or `deflate`, as the request's `Accept-Encoding` prefers (RFC 9110 12.5.3).
///
/// ```swift
/// app.use(Compression())
/// ```
///
/// Streamed bodies stay streamed, and every write is flushed, so that server-sent events arrive as they are written. Whole
/// bodies over 64 KiB are compressed on the thread pool, piece by piece as they are sent.
///
/// Not compressed are responses that are coded already, have `Cache-Control: no-transform` or a digest field, are partial
/// (206), are shorter than the threshold, or are of a media type that compressing is no use for. What could have been
/// compressed has `Vary: Accept-Encoding`, also where it was not. A compressed response has a weak `ETag`, as its bytes are
/// others, no `Content-Length` where that isn't known, and no `Accept-Ranges`.
///
/// The length of a compressed response tells something of its content. Where a page holds a secret, such as a token, and also
/// something that an attacker may choose, such as a search term, the attacker can guess the secret from the lengths of many
/// responses (BREACH). Keep such pages out of compression: by a group of their own, or `Cache-Control: no-transform`.
public struct Compression: Middleware {
    /// The settings of ``Compression``.
    public struct Options: Sendable {
        /// The bytes from which on a body is compressed. Bodies whose length isn't known beforehand always are.
        public var threshold = 1024
        /// The effort, from 1 (fast) to 9 (small).
        public var level = 6
        /// Whether a media type, in lower case and without parameters, is worth it.
        public var isCompressible: @Sendable (_ mediaType: String) -> Bool = CompressibleTypes.contains

        /// The defaults.
        public init() {}
    }

    private let options: Options

    /// Creates the middleware. What is used before it sees compressed responses, what is used after it doesn't.
    public init(_ options: Options = Options()) {
        self.options = options
    }

    /// Passes the request on, and compresses the response where that is worth it and accepted.
    public nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response {
        compressed(try await next(request), for: request)
    }

    /// Compresses a response where that is worth it and accepted: what the middleware does, for those who answer by
    /// themselves.
    public func compressed(_ response: Response, for request: Request) -> Response {
        var response = response
        guard !response.isUpgrade else { return response }
        if response.status == .notModified || response.status == .partialContent {
            // Of what it is a part, or stands for, isn't told: the whole may be compressed (RFC 9110 15.3.7, 15.4.5).
            response.weakenRevalidated(by: request)
            response.headers.addVary(.acceptEncoding)
            return response
        }
        let accepted = AcceptedCodings(request.header(.acceptEncoding))
        guard mayCompress(response, isForced: accepted.refusesIdentity) else { return response }
        response.headers.addVary(.acceptEncoding)
        guard let coding = accepted.best else { return response }
        return compress(response, coding, request)
    }

    /// Whether the response could be compressed for some client; `isForced` for one that takes nothing else.
    private func mayCompress(_ response: Response, isForced: Bool) -> Bool {
        guard response.mayHaveCodedContent, !response.forbidsTransformation else { return false }
        if isForced { return true }
        if let length = response.body.length, length < UInt64(max(options.threshold, 1)) { return false }
        guard let type = response.headers[.contentType].map(CompressibleTypes.name) else { return false }
        return options.isCompressible(type)
    }

    private func compress(_ response: Response, _ coding: ContentCoding, _ request: Request) -> Response {
        let isEventStream = response.headers[.contentType].map(CompressibleTypes.name) == "text/event-stream"
        let settings = coding.deflaterSettings(level: options.level, isLong: isEventStream)
        guard let body = ContentCompressor(settings: settings, loop: request.loop).body(response.body)
        else { return response }
        var compressed = response
        compressed.body = body
        compressed.headers[.contentEncoding] = coding.rawValue
        compressed.headers[.contentLength] = nil
        compressed.headers[.acceptRanges] = nil
        compressed.headers.weakenEntityTag()
        return compressed
    }
}

extension Response {
    fileprivate var isUpgrade: Bool {
        if case .upgrade = body.content { true } else { false }
    }

    /// False for what has no content, a part of some, or some that is coded already.
    fileprivate var mayHaveCodedContent: Bool {
        guard status.code >= 200, ![204, 205, 206, 304].contains(status.code) else { return false }
        guard headers[.contentEncoding] == nil, headers[.contentRange] == nil else { return false }
        return body.length != 0
    }

    /// `no-transform` (RFC 9111 5.2.2.6), and digests that would not be true any more (RFC 9530).
    fileprivate var forbidsTransformation: Bool {
        if headers.contains(.contentDigest) || headers.contains(.reprDigest) || headers.contains(.digest) {
            return true
        }
        return headers[.cacheControl].map { WeightedList($0).elements.contains { $0.name == "no-transform" } }
            ?? false
    }

    /// A client that has a compressed response asks by its weak tag; a 304 has the tag that a 200 would have
    /// (RFC 9110 15.4.5).
    fileprivate mutating func weakenRevalidated(by request: Request) {
        guard status == .notModified, let tag = headers[.eTag].flatMap(EntityTag.whole), !tag.isWeak,
            let condition = request.header(.ifNoneMatch)
        else { return }
        let weak = EntityTag(tag.opaque, isWeak: true)
        guard weak.isListedWeakly(in: condition) else { return }
        headers[.eTag] = weak.fieldValue
    }
}

extension EntityTag {
    /// True when the list has this tag as a weak one.
    fileprivate func isListedWeakly(in field: String) -> Bool {
        var scanner = FieldScanner(field)
        while let tag = scanner.nextEntityTagOfList() {
            if tag == self { return true }
        }
        return false
    }
}

extension HTTPFields {
    /// Makes a strong tag weak: the content is equivalent, its bytes are not the same (RFC 9110 8.8.3.3).
    fileprivate mutating func weakenEntityTag() {
        guard let tag = self[.eTag].flatMap(EntityTag.whole), !tag.isWeak else { return }
        self[.eTag] = EntityTag(tag.opaque, isWeak: true).fieldValue
    }
}

extension HTTPField.Name {
    // Their syntax is a token's, so that none of them is nil.
    fileprivate static let contentDigest = HTTPField.Name("Content-Digest") ?? .contentEncoding
    fileprivate static let reprDigest = HTTPField.Name("Repr-Digest") ?? .contentEncoding
    fileprivate static let digest = HTTPField.Name("Digest") ?? .contentEncoding
}
