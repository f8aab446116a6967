/// Why a response can't be written: a field that would inject something into the message (RFC 9110 5.5).
public struct HTTPEncodingError: Error, Sendable, Equatable {
    /// The field's name as it was given.
    public let field: String
    /// The rule that was broken.
    public let rule: String
}
