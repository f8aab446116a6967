#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension JSONWriter {
    /// Writes a value of a type that needs no `Encoder`.
    /// - Returns: false, and nothing written, for any other type.
    @inline(__always)
    static func writeKnown<Value>(
        _ value: Value, to output: inout JSONOutput, attachments: inout JSONAttachments, depth: Int
    ) throws(JSONUnencodable) -> Bool {
        guard let type = JSONKnownType(Value.self) else { return false }
        try write(value, as: type, to: &output, &attachments, depth)
        return true
    }

    private static func write<Value>(
        _ value: Value, as type: JSONKnownType, to output: inout JSONOutput,
        _ attachments: inout JSONAttachments, _ depth: Int
    ) throws(JSONUnencodable) {
        switch type {
        case .string: write(cast(value, String.self), to: &output)
        case .int: writeSmall(Int64(cast(value, Int.self)), to: &output)
        case .double: try write(cast(value, Double.self), to: &output)
        case .bool: write(cast(value, Bool.self), to: &output)
        case .value:
            try write(cast(value, JSONValue.self), to: &output, attachments: &attachments, depth: depth)
        case .data:
            cast(value, Data.self).withUnsafeBytes {
                write(binary: $0, to: &output, attachments: &attachments)
            }
        case .date: try write(cast(value, Date.self), to: &output)
        case .url: write(cast(value, URL.self).absoluteString, to: &output)
        case .decimal: try write(cast(value, Decimal.self), to: &output)
        case .strings, .ints, .doubles, .bools, .bytes, .values:
            try write(value, asArray: type, to: &output, &attachments, depth)
        case .stringMembers, .intMembers, .doubleMembers, .boolMembers, .valueMembers:
            try write(value, asObject: type, to: &output, &attachments, depth)
        }
    }

    private static func write(_ date: Date, to output: inout JSONOutput) throws(JSONUnencodable) {
        guard JSONDate.append(date, to: &output) else {
            throw JSONUnencodable(value: date, reason: "the date is outside the years 0 to 9999")
        }
    }

    private static func write(_ decimal: Decimal, to output: inout JSONOutput) throws(JSONUnencodable) {
        guard !decimal.isNaN else { throw JSONUnencodable(value: decimal, reason: "JSON has no NaN") }
        output.append(plain: decimal.description)
    }

    private static func write<Value>(
        _ value: Value, asArray type: JSONKnownType, to output: inout JSONOutput,
        _ attachments: inout JSONAttachments, _ depth: Int
    ) throws(JSONUnencodable) {
        switch type {
        case .strings: write(array: cast(value, [String].self), to: &output) { write($0, to: &$1) }
        case .ints: write(array: cast(value, [Int].self), to: &output) { writeSmall(Int64($0), to: &$1) }
        case .bytes: write(array: cast(value, [UInt8].self), to: &output) { writeSmall(Int64($0), to: &$1) }
        case .bools: write(array: cast(value, [Bool].self), to: &output) { write($0, to: &$1) }
        case .doubles:
            try write(array: cast(value, [Double].self), to: &output) {
                (element, output) throws(JSONUnencodable) in try write(element, to: &output)
            }
        default:
            let array = JSONValue.array(cast(value, [JSONValue].self))
            try write(array, to: &output, attachments: &attachments, depth: depth)
        }
    }

    private static func write<Value>(
        _ value: Value, asObject type: JSONKnownType, to output: inout JSONOutput,
        _ attachments: inout JSONAttachments, _ depth: Int
    ) throws(JSONUnencodable) {
        switch type {
        case .stringMembers:
            write(object: cast(value, [String: String].self), to: &output) { write($0, to: &$1) }
        case .intMembers:
            write(object: cast(value, [String: Int].self), to: &output) { writeSmall(Int64($0), to: &$1) }
        case .boolMembers: write(object: cast(value, [String: Bool].self), to: &output) { write($0, to: &$1) }
        case .doubleMembers:
            try write(object: cast(value, [String: Double].self), to: &output) {
                (member, output) throws(JSONUnencodable) in try write(member, to: &output)
            }
        default:
            let object = JSONValue.object(cast(value, [String: JSONValue].self))
            try write(object, to: &output, attachments: &attachments, depth: depth)
        }
    }

    /// The value as the type that the caller has just found it to be.
    @inline(__always)
    private static func cast<Value, Known>(_ value: Value, _ type: Known.Type) -> Known {
        // Sound: the caller has found `Value.self == Known.self`, by its ``JSONKnownType``.
        unsafeBitCast(value, to: Known.self)
    }
}
