import Parley

extension Routes {
    /// Who a request is from, as this server sees it.
    func serveClients(on application: Application) {
        application.get("/client") { request in ClientDescription(of: request) }
    }
}

/// The peer, the client, and what proxies told of it.
private struct ClientDescription: Codable {
    var peer: String?
    var client: String?
    var scheme: String
    var authority: String?
    var sameOrigin: Bool
    var version: String
    var encrypted: Bool
    var loop: String
    var destination: String?
    var proxiedServerName: String?
    var proxiedTLS: String?

    init(of request: Request) {
        peer = request.remoteAddress.map { "\($0)" }
        client = request.clientAddress.map { "\($0)" }
        scheme = request.scheme
        authority = request.authority
        sameOrigin = request.isSameOrigin
        version = "\(request.version)"
        encrypted = request.tls != nil
        loop = request.loop.name
        destination = request.proxiedClient?.destination.map { "\($0)" }
        proxiedServerName = request.proxiedClient?.serverName
        proxiedTLS = request.proxiedClient?.tls?.version
    }
}
