import ArgumentParser
import Parley
import ParleyWire

/// The limits that tests shorten; times are milliseconds. What is not given has the library's default.
struct Settings: ParsableArguments {
    @Option(help: "The number of event loops.") var loops = 1
    @Option(help: "Serves the files of this folder.") var files: String?
    @Option(help: "An origin whose pages may use realtime.") var corsOrigin: String?
    @Option(help: "The bytes of an Engine.IO message.") var maxPayload: Int?
    @Flag(help: "Compresses Socket.IO's WebSockets.") var compressRealtime = false
    @Flag(help: "Compresses them with context takeover.") var takeover = false

    @Option(help: "Between two pings.") var pingInterval: Int?
    @Option(help: "For a pong.") var pingTimeout: Int?
    @Option(help: "For joining a namespace.") var connectTimeout: Int?
    @Option(help: "For an upgrade.") var upgradeTimeout: Int?
    @Option(help: "For the attachments of a packet.") var packetTimeout: Int?
    @Flag(name: .customLong("engineio3"), help: "Serves Socket.IO 1.x and 2.x clients too.") var engineIO3 =
        false
    @Flag(help: "Speaks MessagePack.") var msgpack = false
    @Flag(help: "Lets clients poll by scripts and forms.") var jsonp = false
    @Flag(help: "Refuses upgrades.") var noUpgrades = false
    @Flag(help: "Mounts Socket.IO without middleware and `allowRequest`.") var bare = false

    @Option(help: "For a request's head.") var headerTimeout: Int?
    @Option(help: "Between two pieces of a body.") var bodyTimeout: Int?
    @Option(help: "Between two requests.") var idleTimeout: Int?
    @Option(help: "For a peer that takes nothing.") var writeTimeout: Int?

    @Option(help: "A PEM file with a certificate chain; once for each key.") var tlsCertificate: [String] = []
    @Option(help: "A PEM file with a key.") var tlsKey: [String] = []
    @Option(help: "A PEM file with the roots of clients' certificates.") var clientCa: String?
    @Option(help: "`required` or `optional`.") var clientCertificates = "optional"
    @Option(help: "For a TLS handshake.") var handshakeTimeout: Int?
    @Flag(help: "Speaks HTTP/1.1 only.") var noHttp2 = false
    @Option(help: "For HTTP/2's preface and SETTINGS.") var prefaceTimeout: Int?
    @Option(help: "For an HTTP/2 stream that takes nothing.") var streamStallTimeout: Int?
    @Option(help: "For an HTTP/2 connection that takes nothing.") var connectionStallTimeout: Int?
    @Option(help: "For everything to end on SIGTERM.") var shutdownDeadline = 3000

    @OptionGroup var delivery: DeliverySettings

    @Option(help: "For a WebSocket message.") var messageTimeout: Int?
    @Option(help: "For the answer to a close frame.") var closeTimeout: Int?
}

extension Settings {
    var serverConfiguration: ServerConfiguration {
        var configuration = ServerConfiguration()
        configuration.loopCount = loops
        configuration.shutdownDeadline = .milliseconds(shutdownDeadline)
        configuration.shutdownSpread = .milliseconds(delivery.shutdownSpread)
        configuration.tls = tlsConfiguration
        if noHttp2 { configuration.http2 = nil }
        set(&configuration.prefaceTimeout, prefaceTimeout)
        set(&configuration.streamStallTimeout, streamStallTimeout)
        set(&configuration.connectionStallTimeout, connectionStallTimeout)
        set(&configuration.headerTimeout, headerTimeout)
        set(&configuration.bodyTimeout, bodyTimeout)
        set(&configuration.keepAliveTimeout, idleTimeout)
        set(&configuration.streamLimits.stallTimeout, writeTimeout)
        return configuration
    }

    private var tlsConfiguration: TLSConfiguration? {
        guard !tlsCertificate.isEmpty else { return nil }
        let identities = zip(tlsCertificate, tlsKey).map {
            TLSIdentity(certificateChain: .file($0), privateKey: .file($1))
        }
        var configuration = TLSConfiguration(identities: identities)
        if let clientCa {
            let isRequired = clientCertificates == "required"
            configuration.clientCertificates =
                isRequired ? .required(roots: .file(clientCa)) : .optional(roots: .file(clientCa))
        }
        set(&configuration.handshakeTimeout, handshakeTimeout)
        return configuration
    }

    var realtimeOptions: RealtimeOptions {
        var options = RealtimeOptions()
        if let maxPayload { options.engine.maxPayload = maxPayload }
        if compressRealtime {
            var compression = WebSocketCompression()
            compression.serverContextTakeover = takeover
            compression.clientContextTakeover = takeover
            options.engine.webSocketCompression = compression
        }
        if let corsOrigin { options.engine.origins = .allow([corsOrigin], credentials: true) }
        options.parser = msgpack ? .messagePack : .json
        options.engine.allowsEngineIO3 = engineIO3
        options.engine.allowsJSONP = jsonp
        options.engine.allowUpgrades = !noUpgrades
        if !bare { options.engine.allowRequest = { request in request.query("refuse") == nil } }
        set(&options.engine.pingInterval, pingInterval)
        set(&options.engine.pingTimeout, pingTimeout)
        set(&options.engine.connectTimeout, connectTimeout)
        set(&options.engine.upgradeTimeout, upgradeTimeout)
        set(&options.assemblyTimeout, packetTimeout)
        options.identity.refreshLead = .milliseconds(500)
        delivery.apply(to: &options)
        return options
    }

    var webSocketOptions: WebSocketOptions {
        var options = WebSocketOptions()
        if let messageTimeout { options.messageTimeout = .milliseconds(messageTimeout) }
        set(&options.closeTimeout, closeTimeout)
        return options
    }

    private func set(_ duration: inout Duration, _ milliseconds: Int?) {
        if let milliseconds { duration = .milliseconds(milliseconds) }
    }
}
