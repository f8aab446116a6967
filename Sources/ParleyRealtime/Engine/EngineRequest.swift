import HTTPTypes
import ParleyHTTP
import ParleyWire

/// The query of an Engine.IO request, checked: exactly one `EIO`, one `transport`, at most one each of `sid`, `j` and `b64`.
struct EngineRequest {
    let revision: EngineIORevision
    let sessionID: String?
    let isWebSocket: Bool
    /// The index of the callback that a JSONP client's script calls.
    let jsonp: Int?
    /// False for an Engine.IO 3 client that takes binary as base64 only.
    let takesBinary: Bool

    private struct Items {
        var version: QueryScanner.Item?
        var transport: QueryScanner.Item?
        var sessionID: QueryScanner.Item?
        var jsonp: QueryScanner.Item?
        var base64: QueryScanner.Item?

        init(_ target: Span<UInt8>, from start: Int) throws(EngineRefusal) {
            var scanner = QueryScanner(from: start)
            while let item = scanner.next(target) {
                if item.isNamed("EIO", in: target) {
                    try Self.set(&version, item)
                } else if item.isNamed("transport", in: target) {
                    try Self.set(&transport, item)
                } else if item.isNamed("sid", in: target) {
                    try Self.set(&sessionID, item)
                } else if item.isNamed("j", in: target) {
                    try Self.set(&jsonp, item)
                } else if item.isNamed("b64", in: target) {
                    try Self.set(&base64, item)
                }
            }
        }

        private static func set(
            _ field: inout QueryScanner.Item?, _ item: QueryScanner.Item
        ) throws(EngineRefusal) {
            guard field == nil else { throw .badRequest("DUPLICATE_PARAMETER") }
            field = item
        }
    }

    init(_ request: Request, for server: EngineServer) throws(EngineRefusal) {
        let target = request.target
        let bytes = target.utf8.span
        let items = try Items(bytes, from: request.queryStart)
        isWebSocket = try Self.isWebSocket(items.transport, bytes, server)
        revision = try Self.revision(items.version, bytes, server)
        sessionID = items.sessionID?.value(in: bytes)
        guard isWebSocket == (request.upgrade?.lowercased() == "websocket") else {
            throw .badRequest("TRANSPORT_HANDSHAKE_ERROR")
        }
        jsonp = isWebSocket ? nil : try Self.jsonpIndex(items.jsonp, bytes, server)
        takesBinary = revision == .four || (items.base64?.hasValue("", in: bytes) != false && jsonp == nil)
    }

    private static func isWebSocket(
        _ transport: QueryScanner.Item?, _ target: Span<UInt8>, _ server: EngineServer
    ) throws(EngineRefusal) -> Bool {
        guard let transport else { throw .unknownTransport("") }
        if transport.hasValue("polling", in: target), server.allowsPolling { return false }
        if transport.hasValue("websocket", in: target), server.allowsWebSocket { return true }
        throw .unknownTransport(transport.value(in: target))
    }

    private static func revision(
        _ version: QueryScanner.Item?, _ target: Span<UInt8>, _ server: EngineServer
    ) throws(EngineRefusal) -> EngineIORevision {
        guard let version else { throw .unsupportedProtocol("") }
        if version.hasValue("4", in: target) { return .four }
        if version.hasValue("3", in: target), server.options.allowsEngineIO3 { return .three }
        throw .unsupportedProtocol(version.value(in: target))
    }

    /// Digits only: the index becomes part of a script.
    private static func jsonpIndex(
        _ item: QueryScanner.Item?, _ target: Span<UInt8>, _ server: EngineServer
    ) throws(EngineRefusal) -> Int? {
        guard let text = item?.value(in: target) else { return nil }
        guard server.options.allowsJSONP else { throw .badRequest("JSONP_NOT_ALLOWED") }
        guard 1...15 ~= text.utf8.count, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let index = Int(text)
        else { throw .badRequest("JSONP_INDEX") }
        return index
    }
}
