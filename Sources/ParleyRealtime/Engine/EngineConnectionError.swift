public import ParleyHTTP

/// Why a request was refused before it belonged to a session, or why it could not belong to its session: what
/// ``Realtime/onConnectionError(_:)`` hears.
public struct EngineConnectionError: Error, Sendable, CustomStringConvertible {
    /// The reasons, by the numbers that clients are told.
    public enum Code: Int, Sendable {
        /// The `transport` parameter names no transport that is allowed.
        case unknownTransport = 0
        /// The `sid` parameter names no session: it ended, or lives on another server.
        case unknownSession = 1
        /// A session can begin with a GET only.
        case badHandshakeMethod = 2
        /// Anything else about the request; ``EngineConnectionError/context`` has a `name` for it.
        case badRequest = 3
        /// The origin, or `allowRequest`, refused the client.
        case forbidden = 4
        /// The `EIO` parameter names no revision of the protocol that is served.
        case unsupportedProtocol = 5
    }

    /// The reason.
    public let code: Code
    /// What the client was told.
    public let message: String
    /// What the reason is about: `transport`, `sid`, `method`, `protocol`, or a `name` for the rule that was broken. Values are
    /// as the client sent them.
    public let context: [String: String]
    /// The request.
    public let request: Request

    /// The code, the message and the context.
    public var description: String {
        let details = context.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        return ([message + " (\(code.rawValue))"] + details).joined(separator: ", ")
    }
}
