import HTTPTypes

extension HTTP1ResponseEncoder {
    /// Appends a field line. The name is written as given. On an error the buffer is as it was.
    /// - Throws: ``HTTPEncodingError`` when the name is no token, or the value holds a control character but TAB.
    public static func appendField(
        name: String, value: String, to output: inout [UInt8]
    ) throws(HTTPEncodingError) {
        let start = output.count
        output.append(contentsOf: name.utf8)
        guard output.count > start, output[start...].allSatisfy(HTTPBytes.isToken) else {
            output.removeSubrange(start...)
            throw HTTPEncodingError(field: name, rule: "RFC 9110 5.1: a field name is a token")
        }
        output.append(literal: ": ")
        do throws(HTTPEncodingError) {
            try appendValue(value, of: name, to: &output)
        } catch {
            output.removeSubrange(start...)
            throw error
        }
        output.append(literal: "\r\n")
    }

    /// What a response's own `Connection` fields ask for.
    struct ConnectionOptions: OptionSet {
        let rawValue: UInt8
        static let close = ConnectionOptions(rawValue: 1)
        static let upgrade = ConnectionOptions(rawValue: 2)

        init(rawValue: UInt8) { self.rawValue = rawValue }

        init(_ value: String) {
            self = []
            let bytes = Array(value.utf8)
            if HTTPHeaderBlock.list(bytes.span, contains: "close") { insert(.close) }
            if HTTPHeaderBlock.list(bytes.span, contains: "upgrade") { insert(.upgrade) }
        }
    }

    /// Appends a field, unless it is one that the encoder writes itself.
    /// - Returns: what the field asks for, when it is a `Connection` that the encoder writes.
    @inline(__always)
    static func append(
        _ field: HTTPField, isSwitching: Bool, to output: inout [UInt8]
    ) throws(HTTPEncodingError) -> ConnectionOptions {
        switch field.name.canonicalName.utf8.count {
        case 4 where field.name == .date: return []
        case 10 where field.name == .connection && !isSwitching: return ConnectionOptions(field.value)
        case 14 where field.name == .contentLength: return []
        case 17 where field.name == .transferEncoding: return []
        default: break
        }
        try field.withUnsafeBytesOfValue { (value) throws(HTTPEncodingError) in
            try append(field.name, value.span, to: &output)
        }
        return []
    }

    @inline(__always)
    private static func append(
        _ name: HTTPField.Name, _ value: Span<UInt8>, to output: inout [UInt8]
    ) throws(HTTPEncodingError) {
        guard HTTPBytes.isFieldValue(value) else { throw invalidValue(of: name.rawName) }
        // `HTTPField.Name` admits tokens only.
        let name = name.rawName.utf8
        output.append(addingCapacity: name.count + value.count + 4) { output in
            output.append(bytes: name.span)
            output.append(literal: ": ")
            output.append(bytes: value)
            output.append(literal: "\r\n")
        }
    }

    static func appendValue(
        _ value: String, of name: String, to output: inout [UInt8]
    ) throws(HTTPEncodingError) {
        let start = output.count
        output.append(contentsOf: value.utf8)
        guard HTTPBytes.isFieldValue(output.span.extracting(start..<output.count)) else {
            throw invalidValue(of: name)
        }
    }

    private static func invalidValue(of name: String) -> HTTPEncodingError {
        HTTPEncodingError(field: name, rule: "RFC 9110 5.5: control character in a field value")
    }
}
