/// Any JSON value, for payloads whose shape is not known when the program is compiled.
///
/// An object keeps no order of its members, and of a repeated key the last value. Numbers are equal when they are
/// the same number: `.int(1) == .double(1)`, since JSON has one kind of number only.
public enum JSONValue: Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction and exponent that fits into 64 bits.
    case int(Int64)
    /// Any other number. Infinity and NaN cannot be encoded.
    case double(Double)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object.
    case object([String: JSONValue])
    /// Bytes, which travel as an attachment of a Socket.IO packet or, in plain JSON, as a Base64 string.
    case binary([UInt8])
}

extension JSONValue {
    /// True for `null`.
    public var isNull: Bool { if case .null = self { true } else { false } }

    /// The value of a boolean, or nil.
    public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The value of a number that is an integer and fits, or nil.
    public var intValue: Int? {
        switch self {
        case .int(let value): Int(exactly: value)
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    /// The value of a number, rounded to the nearest `Double`, or nil.
    public var doubleValue: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The value of a string, or nil.
    public var stringValue: String? { if case .string(let value) = self { value } else { nil } }

    /// The elements of an array, or nil.
    public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

    /// The members of an object, or nil.
    public var objectValue: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }

    /// The bytes of binary, or nil.
    public var binaryValue: [UInt8]? { if case .binary(let value) = self { value } else { nil } }

    /// The member of an object, or nil when there is none or this is no object.
    ///
    /// Setting one changes an object, or makes `null` an object; any other value stays as it is.
    public subscript(key: String) -> JSONValue? {
        get { if case .object(let members) = self { members[key] } else { nil } }
        set {
            switch self {
            case .object(var members):
                self = .null
                members[key] = newValue
                self = .object(members)
            case .null:
                if let newValue { self = .object([key: newValue]) }
            default:
                break
            }
        }
    }

    /// The element of an array, or nil when the index is out of range or this is no array.
    public subscript(index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }
}

extension JSONValue: Hashable {
    /// Whether both are the same value; numbers are compared as numbers.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.int(let left), .int(let right)): left == right
        case (.double(let left), .double(let right)): left == right
        case (.int(let int), .double(let double)), (.double(let double), .int(let int)):
            Int64(exactly: double) == int
        case (.string(let left), .string(let right)): left == right
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        case (.binary(let left), .binary(let right)): left == right
        default: false
        }
    }

    /// Hashes equal values alike.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .int(let value): hasher.combine(value)
        case .double(let value):
            if let int = Int64(exactly: value) { hasher.combine(int) } else { hasher.combine(value) }
        case .string(let value): hasher.combine(value)
        case .array(let value): hasher.combine(value)
        case .object(let value): hasher.combine(value)
        case .binary(let value): hasher.combine(value)
        }
    }
}

extension JSONValue: CustomStringConvertible {
    /// Compact JSON, with binary as Base64; or the error, for a number that JSON cannot express.
    public var description: String {
        var bytes: [UInt8] = []
        var attachments: JSONAttachments = .base64
        do {
            try JSONOutput.with(&bytes) { output in
                try JSONWriter.write(
                    self, to: &output, attachments: &attachments, depth: JSON.maximumEncodingDepth)
            }
        } catch {
            return "\(error)"
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
