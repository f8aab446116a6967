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
        var version: QueryItems.RawItem?
        var transport: QueryItems.RawItem?
        var sessionID: QueryItems.RawItem?
        var jsonp: QueryItems.RawItem?
        var base64: QueryItems.RawItem?

        init(_ items: QueryItems) throws(EngineRefusal) {
            var iterator = items.makeIterator()
            while let item = iterator.nextRaw() {
                if item.isNamed("EIO") {
                    try Self.set(&version, item)
                } else if item.isNamed("transport") {
                    try Self.set(&transport, item)
                } else if item.isNamed("sid") {
                    try Self.set(&sessionID, item)
                } else if item.isNamed("j") {
                    try Self.set(&jsonp, item)
                } else if item.isNamed("b64") {
                    try Self.set(&base64, item)
                }
            }
        }

        private static func set(
            _ field: inout QueryItems.RawItem?, _ item: QueryItems.RawItem
        ) throws(EngineRefusal) {
            guard field == nil else { throw .badRequest("DUPLICATE_PARAMETER") }
            field = item
        }
    }

    init(_ request: Request, for server: EngineServer) throws(EngineRefusal) {
        let items = try Items(request.queryItems)
        isWebSocket = try Self.isWebSocket(items.transport, server)
        revision = try Self.revision(items.version, server)
        sessionID = items.sessionID?.value
        guard isWebSocket == (request.upgrade?.lowercased() == "websocket") else {
            throw .badRequest("TRANSPORT_HANDSHAKE_ERROR")
        }
        jsonp = isWebSocket ? nil : try Self.jsonpIndex(items.jsonp, server)
        takesBinary = revision == .four || (items.base64?.hasValue("") != false && jsonp == nil)
    }

    private static func isWebSocket(
        _ transport: QueryItems.RawItem?, _ server: EngineServer
    ) throws(EngineRefusal) -> Bool {
        if transport?.hasValue("polling") == true, server.allowsPolling { return false }
        if transport?.hasValue("websocket") == true, server.allowsWebSocket { return true }
        throw .unknownTransport(transport?.value ?? "")
    }

    private static func revision(
        _ version: QueryItems.RawItem?, _ server: EngineServer
    ) throws(EngineRefusal) -> EngineIORevision {
        if version?.hasValue("4") == true { return .four }
        if version?.hasValue("3") == true, server.options.allowsEngineIO3 { return .three }
        throw .unsupportedProtocol(version?.value ?? "")
    }

    /// Digits only: the index becomes part of a script.
    private static func jsonpIndex(
        _ item: QueryItems.RawItem?, _ server: EngineServer
    ) throws(EngineRefusal) -> Int? {
        guard let text = item?.value else { return nil }
        guard server.options.allowsJSONP else { throw .badRequest("JSONP_NOT_ALLOWED") }
        guard 1...15 ~= text.utf8.count, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let index = Int(text)
        else { throw .badRequest("JSONP_INDEX") }
        return index
    }
}
