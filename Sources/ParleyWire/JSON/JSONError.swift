/// A text that is not JSON (RFC 8259), or that exceeds a limit: which rule, and where.
///
/// A text that is JSON but does not fit the requested type is a `DecodingError` instead.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The rules and limits that a text can break.
    public enum Rule: String, Hashable, Sendable {
        /// The text ends inside a value, or holds none.
        case unexpectedEnd = "RFC 8259 2: the text ends before the value does"
        /// A byte that the grammar does not allow here.
        case unexpectedByte = "RFC 8259 2: a byte that cannot stand here"
        /// Something other than white space follows the value.
        case trailingBytes = "RFC 8259 2: only white space may follow the value"
        /// Another word than `null`, `true` and `false`.
        case invalidLiteral = "RFC 8259 3: the literals are null, true and false"
        /// A number outside the grammar: leading zeros, missing digits, a plus sign.
        case invalidNumber = "RFC 8259 6: not a number"
        /// A number of more than ``JSONScanner/maximumNumberLength`` bytes.
        case numberTooLong = "limit: the length of a number"
        /// A number whose magnitude has no finite value, such as `1e999`.
        case numberOutOfRange = "limit: the range of a number"
        /// A control character in a string that was not escaped.
        case controlCharacter = "RFC 8259 7: control characters must be escaped"
        /// An unknown escape, or one whose hexadecimal digits are missing.
        case invalidEscape = "RFC 8259 7: not an escape sequence"
        /// An escape of one half of a surrogate pair, without its other half.
        case loneSurrogate = "RFC 8259 8.2: an unpaired surrogate"
        /// Bytes in a string that are not UTF-8.
        case invalidUTF8 = "RFC 8259 8.1: the text must be UTF-8"
        /// Arrays and objects nested deeper than the scanner's limit.
        case tooDeep = "limit: the nesting depth"
        /// A text of more bytes than the decoder can index (4 GiB).
        case tooLong = "limit: the length of a text"
        /// An attachment placeholder without a number of an attachment, or the second one with that number.
        case invalidPlaceholder = "Socket.IO: a placeholder must name an attachment, each at most once"
        /// The text is a value of another kind than an array.
        case notAnArray = "an array was expected"
        /// The text is a value of another kind than a string.
        case notAString = "a string was expected"
    }

    /// The rule or limit that the text breaks.
    public var rule: Rule

    /// Where, as a number of bytes from the first byte of the span that was read.
    public var offset: Int

    /// Creates an error.
    public init(_ rule: Rule, at offset: Int) {
        self.rule = rule
        self.offset = offset
    }

    /// The rule and the offset, for logs.
    public var description: String { "\(rule.rawValue), at byte \(offset)" }
}
