#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension JSONWriter {
    /// Writes a value of a type that needs no `Encoder`, for speed or because JSON has its own form for it.
    /// - Returns: false, and nothing written, for any other type.
    static func writeKnown<Value>(
        _ value: Value, to bytes: inout [UInt8], attachments: inout JSONAttachments, depth: Int
    ) throws(JSONUnencodable) -> Bool {
        if Value.self == String.self {
            write(cast(value, String.self), to: &bytes)
        } else if Value.self == Int.self {
            writeSmall(Int64(cast(value, Int.self)), to: &bytes)
        } else if Value.self == Double.self {
            try write(cast(value, Double.self), to: &bytes)
        } else if Value.self == Bool.self {
            write(cast(value, Bool.self), to: &bytes)
        } else if Value.self == JSONValue.self {
            try write(cast(value, JSONValue.self), to: &bytes, attachments: &attachments, depth: depth)
        } else if Value.self == Data.self {
            let data = cast(value, Data.self)
            data.withUnsafeBytes { write(binary: $0, to: &bytes, attachments: &attachments) }
        } else if Value.self == Date.self {
            let date = cast(value, Date.self)
            guard JSONDate.append(date, to: &bytes) else {
                throw JSONUnencodable(value: date, reason: "the date is outside the years 0 to 9999")
            }
        } else if Value.self == URL.self {
            write(cast(value, URL.self).absoluteString, to: &bytes)
        } else if Value.self == Decimal.self {
            let decimal = cast(value, Decimal.self)
            guard !decimal.isNaN else { throw JSONUnencodable(value: decimal, reason: "JSON has no NaN") }
            bytes.append(contentsOf: decimal.description.utf8)
        } else if let isWritten = try writeKnownArray(value, to: &bytes, &attachments, depth) {
            return isWritten
        } else {
            return try writeKnownObject(value, to: &bytes, &attachments, depth)
        }
        return true
    }

    /// Writes an array whose elements need no `Encoder`; nil for any other type.
    private static func writeKnownArray<Value>(
        _ value: Value, to bytes: inout [UInt8], _ attachments: inout JSONAttachments, _ depth: Int
    ) throws(JSONUnencodable) -> Bool? {
        if Value.self == [String].self {
            try write(array: cast(value, [String].self), to: &bytes) {
                (element, bytes) throws(JSONUnencodable) in
                write(element, to: &bytes)
            }
        } else if Value.self == [Int].self {
            try write(array: cast(value, [Int].self), to: &bytes) {
                (element, bytes) throws(JSONUnencodable) in
                writeSmall(Int64(element), to: &bytes)
            }
        } else if Value.self == [Double].self {
            try write(array: cast(value, [Double].self), to: &bytes) {
                (element, bytes) throws(JSONUnencodable) in
                try write(element, to: &bytes)
            }
        } else if Value.self == [Bool].self {
            try write(array: cast(value, [Bool].self), to: &bytes) {
                (element, bytes) throws(JSONUnencodable) in
                write(element, to: &bytes)
            }
        } else if Value.self == [UInt8].self {
            try write(array: cast(value, [UInt8].self), to: &bytes) {
                (element, bytes) throws(JSONUnencodable) in
                writeSmall(Int64(element), to: &bytes)
            }
        } else if Value.self == [JSONValue].self {
            let array = JSONValue.array(cast(value, [JSONValue].self))
            try write(array, to: &bytes, attachments: &attachments, depth: depth)
        } else {
            return nil
        }
        return true
    }

    /// Writes an object whose values need no `Encoder`.
    private static func writeKnownObject<Value>(
        _ value: Value, to bytes: inout [UInt8], _ attachments: inout JSONAttachments, _ depth: Int
    ) throws(JSONUnencodable) -> Bool {
        if Value.self == [String: JSONValue].self {
            let object = JSONValue.object(cast(value, [String: JSONValue].self))
            try write(object, to: &bytes, attachments: &attachments, depth: depth)
        } else if Value.self == [String: String].self {
            try write(object: cast(value, [String: String].self), to: &bytes) {
                (member, bytes) throws(JSONUnencodable) in write(member, to: &bytes)
            }
        } else if Value.self == [String: Int].self {
            try write(object: cast(value, [String: Int].self), to: &bytes) {
                (member, bytes) throws(JSONUnencodable) in writeSmall(Int64(member), to: &bytes)
            }
        } else if Value.self == [String: Double].self {
            try write(object: cast(value, [String: Double].self), to: &bytes) {
                (member, bytes) throws(JSONUnencodable) in try write(member, to: &bytes)
            }
        } else if Value.self == [String: Bool].self {
            try write(object: cast(value, [String: Bool].self), to: &bytes) {
                (member, bytes) throws(JSONUnencodable) in write(member, to: &bytes)
            }
        } else {
            return false
        }
        return true
    }

    /// The value as the type that the caller has just found it to be.
    @inline(__always)
    private static func cast<Value, Known>(_ value: Value, _ type: Known.Type) -> Known {
        // Sound: every call stands behind `Value.self == Known.self`.
        unsafeBitCast(value, to: Known.self)
    }
}
