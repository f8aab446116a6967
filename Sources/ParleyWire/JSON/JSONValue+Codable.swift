#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// With ``JSON`` a value is written and read directly; these are for other coders.
extension JSONValue: Codable {
    /// Reads a value of whatever kind the decoder finds.
    ///
    /// Binary is read back as such by ``JSON`` only: other decoders do not tell it from a string or an array.
    public init(from decoder: any Decoder) throws {
        if let reader = decoder as? JSONValueDecoder {
            self = try reader.session.value(reader.token)
            return
        }
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// Writes the value as what it holds; binary as Foundation's `Data`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        case .binary(let value): try container.encode(Data(value))
        }
    }
}
