public import HTTPTypes
public import ParleyTransport

/// The upgrade hook: a response that hands the connection over to another protocol.
///
/// Any route may answer with one. It passes out through the same middleware as every response; then the server
/// writes `101 Switching Protocols` (HTTP/1.1, RFC 9110 7.8) or `200` (HTTP/2, RFC 8441), calls `start` on the
/// connection's loop, and gives all bytes that follow to the handler it returned.
public struct Upgrade: Sendable {
    /// The protocol's name as the `Upgrade` field and `:protocol` have it, such as `websocket`.
    public let name: String
    /// Takes the stream over, on its loop, after the response's head was written.
    public let start: @Sendable (any ByteStream) -> any ByteStreamHandler
}

extension Response {
    /// Switches the connection to another protocol.
    ///
    /// - Parameters:
    ///   - name: the protocol, which the request must have asked for (``Request/upgrade``).
    ///   - headers: fields of the response, such as `Sec-WebSocket-Accept`.
    ///   - start: called on the stream's loop once the response's head is in the outbox.
    public static func upgrade(
        to name: String, headers: HTTPFields = [:],
        _ start: @escaping @Sendable (any ByteStream) -> any ByteStreamHandler
    ) -> Response {
        Response(
            status: .switchingProtocols, headers: headers,
            body: ResponseBody(content: .upgrade(Upgrade(name: name, start: start))))
    }
}
