import HTTPTypes
import ParleyTransport
import ParleyWire

/// What every copy of a ``Request`` shares: the decoded head, facts of the stream, and what was computed from them.
final class RequestContext: Sendable {
    let head: HTTPRequestHead
    let connection: ConnectionInfo
    /// Where the query's `?` is in the target, in UTF-8 bytes from its start; the target's length when there is none.
    let pathLength: Int
    private let findings = Lock(Findings())

    /// What is found out about a request on its way, by whoever sees it: outer middleware sees what inner found.
    private struct Findings {
        var headers: HTTPFields?
        var id: String?
        /// Whether the client is told of the id.
        var isIDPublished = false
        var errorHeaders: HTTPFields?
    }

    init(head: consuming HTTPRequestHead, connection: ConnectionInfo) {
        pathLength = Self.pathLength(of: head.target)
        self.head = head
        self.connection = connection
    }

    /// The fields as swift-http-types has them, built at the first call.
    var headers: HTTPFields {
        findings.withLock { findings in
            if let headers = findings.headers { return headers }
            let built = head.headers.httpFields
            findings.headers = built
            return built
        }
    }

    /// The request's id, made at the first call.
    var id: String {
        findings.withLock { findings in
            if let id = findings.id { return id }
            let made = RequestIdentifier.make()
            findings.id = made
            return made
        }
    }

    func setID(_ id: String) { findings.withLock { $0.id = id } }

    /// The id, where the client is told of it.
    var publishedID: String? { findings.withLock { $0.isIDPublished ? $0.id : nil } }

    func publishID() { findings.withLock { $0.isIDPublished = true } }

    /// Changes the fields that the response to an error other than an ``HTTPError`` will have.
    func changeErrorHeaders(_ change: (inout HTTPFields) -> Void) {
        var headers = errorHeaders
        change(&headers)
        findings.withLock { $0.errorHeaders = headers }
    }

    var errorHeaders: HTTPFields { findings.withLock { $0.errorHeaders } ?? [:] }

    /// The path as it was sent; the target itself where it has no query.
    var rawPath: String {
        let bytes = head.target.utf8
        return pathLength == bytes.count ? head.target : String(Substring(bytes.prefix(pathLength)))
    }

    private static func pathLength(of target: String) -> Int {
        let bytes = target.utf8
        return bytes.withContiguousStorageIfAvailable { $0.firstIndex(of: 0x3F) ?? $0.count }
            ?? bytes.prefix { $0 != 0x3F }.count
    }
}
