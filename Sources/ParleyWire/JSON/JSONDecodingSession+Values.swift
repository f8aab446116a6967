#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension JSONDecodingSession {
    func bool(_ index: Int) throws -> Bool {
        switch try token(index).kind {
        case .true: return true
        case .false: return false
        default: throw mismatch(Bool.self, index)
        }
    }

    func string(_ index: Int) throws -> String {
        let token = try token(index)
        guard token.kind == .string else { throw mismatch(String.self, index) }
        return JSONText.string(contents(token), hasEscapes: token.hasEscapes)
    }

    @inline(__always)
    func integer<Integer: FixedWidthInteger>(_ index: Int, as type: Integer.Type) throws -> Integer {
        let token = try token(index)
        guard token.kind == .integer || token.kind == .decimal else { throw mismatch(type, index) }
        guard let value = JSONNumber.integer(contents(token), isInteger: token.kind == .integer, as: type)
        else {
            throw corrupted("the number is not an integer that fits into \(type)", index)
        }
        return value
    }

    func double(_ index: Int) throws -> Double {
        let token = try token(index)
        guard token.kind == .integer || token.kind == .decimal else { throw mismatch(Double.self, index) }
        guard let value = JSONNumber.double(contents(token), isInteger: token.kind == .integer) else {
            throw corrupted("the number is too large for Double", index)
        }
        return value
    }

    func float(_ index: Int) throws -> Float {
        let token = try token(index)
        guard token.kind == .integer || token.kind == .decimal else { throw mismatch(Float.self, index) }
        guard let value = JSONNumber.float(contents(token)) else {
            throw corrupted("the number is too large for Float", index)
        }
        return value
    }

    /// An attachment, or without attachments the bytes of a Base64 string.
    func binary(_ index: Int) throws -> [UInt8] {
        let token = try token(index)
        if let attachments {
            guard let number = try placeholder(index, token) else { throw mismatch(Data.self, index) }
            return attachments[number]
        }
        guard token.kind == .string else { throw mismatch(Data.self, index) }
        let text = contents(token)
        let bytes =
            token.hasEscapes
            ? Array(JSONText.unescaped(text).utf8).withUnsafeBufferPointer(JSONBase64.decode)
            : JSONBase64.decode(text)
        guard let bytes else { throw corrupted("the string is not Base64 (RFC 4648 4)", index) }
        return bytes
    }

    func date(_ index: Int) throws -> Date {
        let token = try token(index)
        guard token.kind == .string else {
            return Date(timeIntervalSince1970: try double(index) / 1_000)
        }
        let text = contents(token)
        let date =
            token.hasEscapes
            ? Array(JSONText.unescaped(text).utf8).withUnsafeBufferPointer(JSONDate.parse)
            : JSONDate.parse(text)
        guard let date else { throw corrupted("the string is not a date and time (RFC 3339 5.6)", index) }
        return date
    }

    func url(_ index: Int) throws -> URL {
        guard let url = URL(string: try string(index)) else {
            throw corrupted("the string is not a URL", index)
        }
        return url
    }

    func decimal(_ index: Int) throws -> Decimal {
        let token = try token(index)
        guard token.kind == .integer || token.kind == .decimal else { throw mismatch(Decimal.self, index) }
        guard let value = Decimal(string: String(decoding: contents(token), as: UTF8.self)) else {
            throw corrupted("the number does not fit into Decimal", index)
        }
        return value
    }

    /// A value of any kind. The recursion is bounded by the depth to which the text was indexed.
    func value(_ index: Int) throws -> JSONValue {
        let token = try token(index)
        switch token.kind {
        case .null: return .null
        case .false: return .bool(false)
        case .true: return .bool(true)
        case .integer:
            let text = contents(token)
            // -0 is a number of its own for JavaScript, and for Double.
            let isNegativeZero =
                token.count == 2 && text[0] == UInt8(ascii: "-") && text[1] == UInt8(ascii: "0")
            if !isNegativeZero, let value = JSONNumber.integer(text, isInteger: true, as: Int64.self) {
                return .int(value)
            }
            return .double(try double(index))
        case .decimal: return .double(try double(index))
        case .string: return .string(JSONText.string(contents(token), hasEscapes: token.hasEscapes))
        case .array: return .array(try array(index) { try $0.value($1) })
        case .object:
            if let number = try placeholder(index, token), let attachments {
                return .binary(attachments[number])
            }
            return .object(try object(index) { try $0.value($1) })
        }
    }

    @inline(__always)
    func array<Element>(
        _ index: Int, element: (JSONDecodingSession, Int) throws -> Element
    ) throws -> [Element] {
        let token = try token(index)
        guard token.kind == .array else { throw mismatch([Element].self, index) }
        var elements: [Element] = []
        elements.reserveCapacity(Int(token.count))
        var next = index &+ 1
        for _ in 0..<token.count {
            elements.append(try element(self, next))
            next = Int(try self.token(next).next)
        }
        return elements
    }

    @inline(__always)
    func object<Value>(
        _ index: Int, value: (JSONDecodingSession, Int) throws -> Value
    ) throws -> [String: Value] {
        let token = try token(index)
        guard token.kind == .object else { throw mismatch([String: Value].self, index) }
        var members: [String: Value] = [:]
        members.reserveCapacity(Int(token.count))
        var key = index &+ 1
        for _ in 0..<token.count {
            members[try string(key)] = try value(self, key &+ 1)
            key = Int(try self.token(key &+ 1).next)
        }
        return members
    }
}
