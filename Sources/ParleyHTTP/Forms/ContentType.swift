import HTTPTypes
import ParleyWire

extension Request {
    /// The media type of the content in lower case, and its parameters; nil when the request names none.
    var contentType: ParameterizedField? { header(.contentType).map { ParameterizedField($0) } }
}

extension HTTPError {
    /// 415 for content of another type than a handler takes; the response says which ones it does (RFC 9110 15.5.16).
    static func unsupported(_ accepted: String...) -> HTTPError {
        let types = accepted.joined(separator: ", ")
        return HTTPError(
            .unsupportedMediaType, "unsupported content type: this takes \(types)", headers: [.accept: types])
    }
}

enum ContentTypes {
    static let urlencoded = "application/x-www-form-urlencoded"
    static let multipart = "multipart/form-data"
    static let json = "application/json"

    /// `application/json`, and what is made of it, such as `application/problem+json` (RFC 6839 3.1).
    static func isJSON(_ type: String) -> Bool { type == json || type.hasSuffix("+json") }
}
