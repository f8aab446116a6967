import HTTPTypes
import ParleyTransport
import ParleyWire
import Synchronization

/// What every copy of a ``Request`` shares: the decoded head, facts of the stream, and what was computed from them.
final class RequestContext: Sendable {
    let head: HTTPRequestHead
    let loop: EventLoop
    let remoteAddress: SocketAddress?
    let isSecure: Bool
    /// Where the query's `?` is in the target, in UTF-8 bytes from its start; the target's length when there is none.
    let pathLength: Int
    private let fields = Mutex<HTTPFields?>(nil)

    init(head: HTTPRequestHead, loop: EventLoop, remoteAddress: SocketAddress?, isSecure: Bool) {
        self.head = head
        self.loop = loop
        self.remoteAddress = remoteAddress
        self.isSecure = isSecure
        pathLength = Self.pathLength(of: head.target)
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

    private static func pathLength(of target: String) -> Int {
        let bytes = target.utf8
        return bytes.withContiguousStorageIfAvailable { $0.firstIndex(of: 0x3F) ?? $0.count }
            ?? bytes.prefix { $0 != 0x3F }.count
    }
}
