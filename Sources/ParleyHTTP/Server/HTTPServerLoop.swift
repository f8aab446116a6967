import Logging
import ParleyTransport
import ParleyWire

/// What the connections of one event loop share: configuration, responder, a buffer to encode into, the date.
///
/// Sound as `Sendable`: everything that changes is touched on the loop's thread only.
final class HTTPServerLoop: @unchecked Sendable {
    let loop: EventLoop
    let configuration: ServerConfiguration
    let timeouts: HTTP1Timeouts
    let responder: Responder
    /// What responses are encoded into before they are copied to an outbox; empty between two uses.
    @exclusivity(unchecked) var scratch: [UInt8] = []
    @exclusivity(unchecked) private(set) var isShuttingDown = false
    @exclusivity(unchecked) private(set) var connections: [ObjectIdentifier: HTTP1Connection] = [:]
    @exclusivity(unchecked) private var dateSecond = -1
    @exclusivity(unchecked) private var dateBytes: [UInt8] = []

    init(loop: EventLoop, configuration: ServerConfiguration, responder: Responder) {
        self.loop = loop
        self.configuration = configuration
        timeouts = HTTP1Timeouts(configuration)
        self.responder = responder
        scratch.reserveCapacity(16 * 1024)
    }

    /// The value of `Date`, formatted anew when the second changed (RFC 9110 6.6.1).
    var date: [UInt8] {
        let second = loop.wallClockSeconds
        if second != dateSecond {
            dateSecond = second
            dateBytes = HTTPDate.bytes(Int64(second))
        }
        return dateBytes
    }

    /// Serves HTTP/1.1 on a stream, whose handler is returned.
    func accept(_ stream: any ByteStream) -> any ByteStreamHandler {
        let connection = HTTP1Connection(stream: stream, server: self)
        connections[ObjectIdentifier(connection)] = connection
        connection.open()
        if isShuttingDown { connection.shutDown() }
        return connection
    }

    func remove(_ connection: HTTP1Connection) {
        connections[ObjectIdentifier(connection)] = nil
    }

    /// Closes what is idle, and lets the rest finish.
    func shutDown() {
        isShuttingDown = true
        for connection in Array(connections.values) { connection.shutDown() }
    }

    var connectionCount: Int { connections.count }
}
