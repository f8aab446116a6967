import HTTPTypes
import ParleyTransport
import ParleyWire

/// What every copy of a ``Request`` shares: the decoded head, facts of the stream, and what was computed from them.
final class RequestContext: Sendable {
    let head: HTTPRequestHead
    let connection: ConnectionInfo
    /// Where the query's `?` is in the target, in UTF-8 bytes from its start; the target's length when there is none.
    let pathLength: Int
    private let fields = Lock<HTTPFields?>(nil)

    init(head: consuming HTTPRequestHead, connection: ConnectionInfo) {
        pathLength = Self.pathLength(of: head.target)
        self.head = head
        self.connection = connection
    }

    /// The fields as swift-http-types has them, built at the first call.
    var headers: HTTPFields {
        fields.withLock { cached in
            if let cached { return cached }
            let built = head.headers.httpFields
            cached = built
            return built
        }
    }

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
