public import Foundation
public import HTTPTypes

/// What a handler may return: anything that a response can be made of. `Encodable` values are answered as JSON
/// without conforming to this.
public protocol ResponseConvertible: SendableMetatype {
    /// The response. A throw is answered as a throw of the handler is.
    func response(for request: Request) throws -> Response
}

extension Response: ResponseConvertible {
    /// Itself.
    public func response(for request: Request) throws -> Response { self }

    static let textHeaders: HTTPFields = [.contentType: "text/plain; charset=utf-8"]
    static let binaryHeaders: HTTPFields = [.contentType: "application/octet-stream"]
}

extension String: ResponseConvertible {
    /// A text in UTF-8.
    public func response(for request: Request) throws -> Response {
        Response(headers: Response.textHeaders, body: .text(self))
    }
}

extension Substring: ResponseConvertible {
    /// A text in UTF-8.
    public func response(for request: Request) throws -> Response {
        Response(headers: Response.textHeaders, body: .bytes(Array(utf8)))
    }
}

extension Array: ResponseConvertible where Element == UInt8 {
    /// The bytes, as `application/octet-stream`.
    public func response(for request: Request) throws -> Response {
        Response(headers: Response.binaryHeaders, body: .bytes(self))
    }
}

extension Data: ResponseConvertible {
    /// The bytes, as `application/octet-stream`.
    public func response(for request: Request) throws -> Response {
        Response(headers: Response.binaryHeaders, body: .bytes(Array(self)))
    }
}

extension HTTPResponse.Status: ResponseConvertible {
    /// The status without content.
    public func response(for request: Request) throws -> Response { Response(status: self) }
}

extension Optional: ResponseConvertible where Wrapped: ResponseConvertible {
    /// The wrapped value's response; 404 for nil.
    public func response(for request: Request) throws -> Response {
        guard let self else { throw HTTPError(.notFound) }
        return try self.response(for: request)
    }
}
