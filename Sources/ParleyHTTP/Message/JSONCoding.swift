public import HTTPTypes
import ParleyWire

extension Response {
    static let jsonHeaders: HTTPFields = [.contentType: "application/json"]

    /// A value as JSON. Throws what encoding throws, and ``HTTPError`` 404 for an optional that is nil.
    public static func json<Value: Encodable>(
        _ value: Value, status: HTTPResponse.Status = .ok
    ) throws -> Response {
        if let optional = value as? any OptionalValue, optional.isNil { throw HTTPError(.notFound) }
        var bytes: [UInt8] = []
        try JSON.encode(value, into: &bytes)
        return Response(status: status, headers: jsonHeaders, body: .bytes(bytes))
    }
}

extension Request {
    /// The content as a value, decoded from JSON.
    ///
    /// - Parameters:
    ///   - limit: the bytes of the content. Beyond: 413.
    ///   - requiringType: whether the request must say that it is JSON (`application/json`, or `+json`). Pages of other
    ///     origins can send what says something else without asking.
    ///
    /// Throws ``HTTPError`` 413 when the content is longer than the limit in bytes, 415 when it must say that it is JSON and
    /// doesn't, 400 when it is empty, not JSON or not of the type, and what ``RequestBody/collect(upTo:)`` throws.
    public nonisolated(nonsending) func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, upTo limit: Int = 1024 * 1024, requiringType: Bool = false
    ) async throws -> Value {
        if requiringType, !ContentTypes.isJSON(contentType?.value ?? "") {
            throw HTTPError.unsupported(ContentTypes.json)
        }
        let bytes = try await body.collect(upTo: limit)
        guard !bytes.isEmpty else { throw HTTPError(.badRequest, "invalid request body: it is empty") }
        do {
            return try JSON.decode(type, from: bytes.span)
        } catch {
            throw HTTPError(.badRequest, "invalid request body: \(error)")
        }
    }
}

/// An optional, whatever it wraps.
private protocol OptionalValue {
    var isNil: Bool { get }
}

extension Optional: OptionalValue {
    var isNil: Bool { self == nil }
}
