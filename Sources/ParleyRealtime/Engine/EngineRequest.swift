import HTTPTypes
import ParleyHTTP

/// The query of an Engine.IO request, checked: exactly one `EIO`, one `transport`, at most one `sid`.
struct EngineRequest {
    let sessionID: String?
    let isWebSocket: Bool

    init(_ request: Request, options: EngineOptions) throws(EngineRefusal) {
        var version: String?
        var transport: String?
        var sessionID: String?
        for item in request.queryItems {
            switch item.name {
            case "EIO": try Self.set(&version, item.value)
            case "transport": try Self.set(&transport, item.value)
            case "sid": try Self.set(&sessionID, item.value)
            default: break
            }
        }
        guard let transport = transport.flatMap(EngineTransport.init), options.transports.contains(transport)
        else { throw .unknownTransport }
        guard version == "4" else { throw .unsupportedProtocol }
        self.sessionID = sessionID
        isWebSocket = transport == .webSocket
        guard isWebSocket == (request.upgrade?.lowercased() == "websocket") else { throw .badRequest }
    }

    private static func set(_ field: inout String?, _ value: String) throws(EngineRefusal) {
        guard field == nil else { throw .badRequest }
        field = value
    }
}
