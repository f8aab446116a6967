import Foundation
import ParleyWire

/// Single values of forms, which are texts: numbers, booleans, dates and the like.
enum FormScalar {
    /// The value of a type that is made of one text or file; nil for any other type.
    /// - Throws: `DecodingError` when the type is one, but the place holds no such value.
    static func decode<Value: Decodable>(
        _ type: Value.Type, from node: FormNode, path: FormPath?
    ) throws -> Value? {
        if type == UploadedFile.self { return try file(node, path) as? Value }
        if type == Data.self { return try Data(bytes(node, path)) as? Value }
        if type == [UInt8].self, case .file(let file)? = node.value { return file.content as? Value }
        guard let read = reader(type) else { return nil }
        guard let text = node.value?.text else { throw error(type, path, "a single text is wanted") }
        guard let value = read(text) as? Value else { throw error(type, path, "not a value of type \(type)") }
        return value
    }

    /// What a type is where the form has nothing of it: of a box that isn't checked, browsers send nothing.
    static func absent<Value>(_ type: Value.Type) -> Value? { false as? Value }

    /// True for an input that was left empty.
    static func isEmpty(_ node: FormNode) -> Bool {
        switch node.value {
        case .text(let text): text.isEmpty
        case .file(let file): file.filename.isEmpty && file.content.isEmpty
        case nil: node.members.isEmpty && node.list.isEmpty
        }
    }

    private static func reader(_ type: Any.Type) -> ((String) -> Any?)? {
        switch type {
        case is String.Type: { $0 }
        case is Bool.Type: boolean
        case let type as any (FixedWidthInteger.Type): { integer($0, type) }
        case is Double.Type: { number($0) }
        case is Float.Type: { number($0).map { Float($0) }.flatMap { $0.isFinite ? $0 : nil } }
        case is Date.Type: date
        case is URL.Type: { $0.isEmpty ? nil : URL(string: $0) }
        case is Decimal.Type: { number($0) == nil ? nil : Decimal(string: $0, locale: nil) }
        default: nil
        }
    }

    private static func error(_ type: Any.Type, _ path: FormPath?, _ text: String) -> DecodingError {
        .typeMismatch(type, .init(codingPath: path?.keys ?? [], debugDescription: text))
    }
}

// MARK: - Files

extension FormScalar {
    private static func file(_ node: FormNode, _ path: FormPath?) throws -> UploadedFile {
        guard case .file(let file)? = node.value else {
            throw error(UploadedFile.self, path, "a file is wanted")
        }
        return file
    }

    /// A file's bytes, or those that a text is the Base64 of, as in JSON.
    private static func bytes(_ node: FormNode, _ path: FormPath?) throws -> [UInt8] {
        switch node.value {
        case .file(let file): return file.content
        case .text(let text):
            if let bytes = Base64.decode(Array(text.utf8).span) { return bytes }
        case nil: break
        }
        throw error(Data.self, path, "a file or Base64 is wanted")
    }
}

// MARK: - Texts

extension FormScalar {
    /// A name without a value is true: so are flags in queries, and boxes without a value of their own.
    private static func boolean(_ text: String) -> Any? {
        switch text.lowercased() {
        case "", "true", "on", "yes", "1": true
        case "false", "off", "no", "0": false
        default: nil
        }
    }

    /// Decimal digits behind a minus at most: `+5` is none, as in JSON.
    private static func integer<Value: FixedWidthInteger>(_ text: String, _ type: Value.Type) -> Any? {
        text.utf8.first == 0x2B ? nil : Value(text)
    }

    /// A decimal number; neither infinite nor hexadecimal.
    private static func number(_ text: String) -> Double? {
        let isDecimal = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x2B, 0x2D, 0x2E, 0x45, 0x65: true
            default: false
            }
        }
        guard isDecimal, text.utf8.first != 0x2B, let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// RFC 3339, or what the inputs `date` and `datetime-local` send, which is taken for UTC; or milliseconds since 1970.
    private static func date(_ text: String) -> Any? {
        if let milliseconds = Int64(text) { return Date(timeIntervalSince1970: Double(milliseconds) / 1000) }
        let whole =
            switch text.utf8.count {
            case 10: text + "T00:00:00Z"
            case 16: text + ":00Z"
            case 19...23 where !text.hasSuffix("Z"): text + "Z"
            default: text
            }
        let bytes = Array(whole.utf8)
        return bytes.withUnsafeBufferPointer { JSONDate.parse($0) }
    }
}
