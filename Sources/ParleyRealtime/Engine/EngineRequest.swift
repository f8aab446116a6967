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
        var version: String?
        var transport: String?
        var sessionID: String?
        var jsonp: String?
        var base64: String?

        init(_ items: QueryItems) throws(EngineRefusal) {
            for item in items {
                switch item.name {
                case "EIO": try Self.set(&version, item)
                case "transport": try Self.set(&transport, item)
                case "sid": try Self.set(&sessionID, item)
                case "j": try Self.set(&jsonp, item)
                case "b64": try Self.set(&base64, item)
                default: break
                }
            }
        }

        private static func set(_ field: inout String?, _ item: QueryItems.Item) throws(EngineRefusal) {
            guard field == nil else { throw .badRequest("DUPLICATE_PARAMETER") }
            field = item.value
        }
    }

    init(_ request: Request, options: EngineOptions) throws(EngineRefusal) {
        let items = try Items(request.queryItems)
        guard let transport = items.transport.flatMap(EngineTransport.init),
            options.transports.contains(transport)
        else { throw .unknownTransport(items.transport ?? "") }
        revision = try Self.revision(items.version, options)
        sessionID = items.sessionID
        isWebSocket = transport == .webSocket
        guard isWebSocket == (request.upgrade?.lowercased() == "websocket") else {
            throw .badRequest("TRANSPORT_HANDSHAKE_ERROR")
        }
        jsonp = isWebSocket ? nil : try Self.jsonpIndex(items.jsonp, options)
        takesBinary = revision == .four || ((items.base64 ?? "").isEmpty && jsonp == nil)
    }

    private static func revision(
        _ version: String?, _ options: EngineOptions
    ) throws(EngineRefusal) -> EngineIORevision {
        switch version {
        case "4": return .four
        case "3" where options.allowsEngineIO3: return .three
        default: throw .unsupportedProtocol(version ?? "")
        }
    }

    /// Digits only: the index becomes part of a script.
    private static func jsonpIndex(_ text: String?, _ options: EngineOptions) throws(EngineRefusal) -> Int? {
        guard let text else { return nil }
        guard options.allowsJSONP else { throw .badRequest("JSONP_NOT_ALLOWED") }
        guard 1...15 ~= text.utf8.count, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let index = Int(text)
        else { throw .badRequest("JSONP_INDEX") }
        return index
    }
}
