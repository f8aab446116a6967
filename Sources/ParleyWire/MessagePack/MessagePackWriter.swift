/// Turns JSON text into MessagePack, and the placeholders of attachments into the bytes themselves.
///
/// It is told of the tokens by a scanner, so that the text is validated on the way.
struct MessagePackWriter: JSONTokenSink {
    private(set) var output: [UInt8]
    private let json: UnsafeBufferPointer<UInt8>
    private let attachments: [[UInt8]]

    /// What becomes `{"_placeholder":true,"num":`, without the number.
    private static let placeholder: [UInt8] =
        [0x82, 0xAC] + Array("_placeholder".utf8) + [0xC3, 0xA3] + Array("num".utf8)

    /// Appends a value's MessagePack: one of those that the encoder writes, in the array of a packet.
    /// - Throws: ``JSONError`` for what is no JSON.
    static func append(
        _ json: Span<UInt8>, attachments: [[UInt8]], to output: inout [UInt8]
    ) throws(JSONError) {
        var buffer: [UInt8] = []
        swap(&buffer, &output)
        let written = json.withUnsafeBufferPointer { bytes -> Result<[UInt8], JSONError> in
            var writer = MessagePackWriter(output: buffer, json: bytes, attachments: attachments)
            var scanner = JSONScanner()
            do throws(JSONError) {
                try scanner.scanValue(json, into: &writer, depth: JSON.maximumEncodingDepth + 1)
                return .success(writer.output)
            } catch {
                return .failure(error)
            }
        }
        output = try written.get()
    }

    private init(output: [UInt8], json: UnsafeBufferPointer<UInt8>, attachments: [[UInt8]]) {
        self.output = output
        self.json = json
        self.attachments = attachments
    }

    mutating func literal(_ kind: JSONKind, at offset: Int) {
        output.append(kind == .null ? 0xC0 : kind == .false ? 0xC2 : 0xC3)
    }

    mutating func number(_ number: JSONNumberRange) {
        let text = UnsafeBufferPointer(rebasing: json[number.range])
        if number.isInteger {
            if let value = Int64(String(decoding: text, as: UTF8.self)) {
                return Self.append(value, to: &output)
            }
            if let value = UInt64(String(decoding: text, as: UTF8.self)) {
                return Self.append(unsigned: value, to: &output)
            }
        }
        let value = JSONNumber.double(text, isInteger: number.isInteger) ?? .nan
        Self.append(0xCB, value.bitPattern, 8, to: &output)
    }

    mutating func string(_ string: JSONStringRange) {
        let contents = UnsafeBufferPointer(rebasing: json[string.contents])
        guard string.hasEscapes else { return Self.append(text: contents, to: &output) }
        var text = JSONText.unescaped(contents)
        text.withUTF8 { Self.append(text: $0, to: &output) }
    }

    mutating func begin(_ kind: JSONKind, at offset: Int) -> Int {
        // The count comes at the end; most are short.
        output.append(kind == .array ? 0x90 : 0x80)
        return output.count - 1
    }

    mutating func end(_ token: Int, count: Int) {
        if count == 2, let attachment = attachment(from: token) {
            output.removeLast(output.count - token)
            return Self.append(binary: attachment, to: &output)
        }
        guard count > 15 else { return output[token] |= UInt8(count) }
        let marker: UInt8 = output[token] == 0x90 ? 0xDC : 0xDE
        let isShort = count <= 0xFFFF
        output[token] = isShort ? marker : marker + 1
        let width = isShort ? 2 : 4
        let bytes = (0..<width).map { UInt8(truncatingIfNeeded: count >> ((width - 1 - $0) * 8)) }
        output.insert(contentsOf: bytes, at: token + 1)
    }

    /// The attachment, where what was written from there on is a placeholder for one.
    private func attachment(from start: Int) -> [UInt8]? {
        let pattern = Self.placeholder
        let behind = start + pattern.count
        guard !attachments.isEmpty, output.count > behind, output[start] == 0x80,
            output[(start + 1)..<behind].elementsEqual(pattern.dropFirst()),
            let number = Self.number(output[behind...]), number < attachments.count
        else { return nil }
        return attachments[number]
    }

    /// The number that the bytes are, where they are one as ``append(_:to:)`` writes it.
    private static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let marker = bytes.first else { return nil }
        let rest = bytes.dropFirst()
        switch (marker, rest.count) {
        case (0...0x7F, 0): return Int(marker)
        case (0xCC, 1), (0xCD, 2), (0xCE, 4): return rest.reduce(0) { $0 << 8 | Int($1) }
        default: return nil
        }
    }
}

// MARK: - Values

extension MessagePackWriter {
    static func append(_ value: Int64, to output: inout [UInt8]) {
        switch value {
        case 0...0x7F: output.append(UInt8(value))
        case -32..<0: output.append(UInt8(bitPattern: Int8(value)))
        case 0...0xFF: append(0xCC, UInt64(value), 1, to: &output)
        case 0...0xFFFF: append(0xCD, UInt64(value), 2, to: &output)
        case 0...0xFFFF_FFFF: append(0xCE, UInt64(value), 4, to: &output)
        case 0...: append(0xCF, UInt64(value), 8, to: &output)
        case -0x80..<0: append(0xD0, UInt64(bitPattern: value), 1, to: &output)
        case -0x8000..<0: append(0xD1, UInt64(bitPattern: value), 2, to: &output)
        case -0x8000_0000..<0: append(0xD2, UInt64(bitPattern: value), 4, to: &output)
        default: append(0xD3, UInt64(bitPattern: value), 8, to: &output)
        }
    }

    static func append(unsigned value: UInt64, to output: inout [UInt8]) {
        if let signed = Int64(exactly: value) { return append(signed, to: &output) }
        append(0xCF, value, 8, to: &output)
    }

    static func append(text: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        if text.count < 32 {
            output.append(0xA0 | UInt8(text.count))
        } else {
            append(lengthBehind: 0xD9, text.count, to: &output)
        }
        output.append(contentsOf: text)
    }

    static func append(binary: [UInt8], to output: inout [UInt8]) {
        append(lengthBehind: 0xC4, binary.count, to: &output)
        output.append(contentsOf: binary)
    }

    /// A marker of three that follow each other, for lengths of 1, 2 and 4 bytes.
    private static func append(lengthBehind marker: UInt8, _ length: Int, to output: inout [UInt8]) {
        if length <= 0xFF {
            append(marker, UInt64(length), 1, to: &output)
        } else if length <= 0xFFFF {
            append(marker + 1, UInt64(length), 2, to: &output)
        } else {
            append(marker + 2, UInt64(length), 4, to: &output)
        }
    }

    /// A marker, and the lowest bytes of a number, the highest of them first.
    private static func append(_ marker: UInt8, _ value: UInt64, _ width: Int, to output: inout [UInt8]) {
        output.append(marker)
        for index in 0..<width {
            output.append(UInt8(truncatingIfNeeded: value &>> UInt64((width - 1 - index) * 8)))
        }
    }
}
