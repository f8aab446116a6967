/// Nobody stored a value of this type on the socket or request.
public struct MissingValueError: Error, Sendable, CustomStringConvertible {
    /// The type's name.
    public let type: String

    /// What is missing.
    public var description: String { "no value of type \(type) was stored" }
}
