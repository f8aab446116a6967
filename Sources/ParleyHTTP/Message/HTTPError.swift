public import HTTPTypes

/// An error that is an HTTP response: throw it from a handler or a middleware.
public struct HTTPError: Error, Sendable, CustomStringConvertible {
    /// The status of the response, 400 to 599.
    public var status: HTTPResponse.Status
    /// What the client is told. It goes into the body as it is.
    public var message: String
    /// Fields that the response carries beside its own, such as `WWW-Authenticate`.
    public var headers: HTTPFields

    /// Creates an error; without a message the client is told the status's reason phrase.
    public init(_ status: HTTPResponse.Status, _ message: String? = nil, headers: HTTPFields = [:]) {
        self.status = status
        self.message = message ?? status.reasonPhrase
        self.headers = headers
    }

    /// The status code and the message.
    public var description: String { "\(status.code) \(message)" }
}
