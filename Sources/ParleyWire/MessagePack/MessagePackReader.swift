#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Turns MessagePack values into JSON text, one value at a time, with binary as the attachments of a Socket.IO packet: so that
/// everything behind it knows one form of a payload.
///
/// It takes only what JSON can say: keys are strings, or become them; `undefined` (an extension of JavaScript's encoders) and numbers without
/// a finite value become `null`, dates their text. It never traps and recurses no deeper than its limit.
struct MessagePackReader {
    /// The next byte to read.
    private(set) var offset = 0
    /// The bytes that stood in the value; a placeholder's number is an index into it.
    private(set) var attachments: [[UInt8]] = []

    private let maximumAttachments: Int

    init(maximumAttachments: Int) { self.maximumAttachments = maximumAttachments }

    /// Reads one value, and appends its text.
    /// - Parameter depth: how many arrays and maps may still be opened.
    mutating func value(
        _ bytes: Span<UInt8>, into json: inout [UInt8], depth: Int
    ) throws(SocketIOError) {
        let marker = try byte(bytes)
        switch marker {
        case 0x00...0x7F: SocketIOEncoder.appendDecimal(UInt64(marker), into: &json)
        case 0xE0...0xFF: append(Int64(Int8(bitPattern: marker)), to: &json)
        case 0x80...0x8F: try map(Int(marker & 0x0F), bytes, into: &json, depth: depth)
        case 0x90...0x9F: try array(Int(marker & 0x0F), bytes, into: &json, depth: depth)
        case 0xA0...0xBF: try string(Int(marker & 0x1F), bytes, into: &json)
        case 0xC0: json.append(literal: "null")
        case 0xC2: json.append(literal: "false")
        case 0xC3: json.append(literal: "true")
        case 0xC4...0xC6: try binary(try length(bytes, marker &- 0xC4), bytes, into: &json)
        case 0xC7...0xC9: try longExtended(try length(bytes, marker &- 0xC7), bytes, into: &json)
        case 0xCA: append(Double(Float(bitPattern: UInt32(try integer(bytes, 4)))), to: &json)
        case 0xCB: append(Double(bitPattern: try integer(bytes, 8)), to: &json)
        case 0xCC...0xCF:
            SocketIOEncoder.appendDecimal(try integer(bytes, 1 << Int(marker &- 0xCC)), into: &json)
        case 0xD0...0xD3: append(try signed(bytes, 1 << Int(marker &- 0xD0)), to: &json)
        case 0xD4...0xD8:
            let type = Int8(bitPattern: try byte(bytes))
            try extended(type, 1 << Int(marker &- 0xD4), bytes, into: &json)
        case 0xD9...0xDB: try string(try length(bytes, marker &- 0xD9), bytes, into: &json)
        case 0xDC, 0xDD: try array(try length(bytes, marker &- 0xDB), bytes, into: &json, depth: depth)
        case 0xDE, 0xDF: try map(try length(bytes, marker &- 0xDD), bytes, into: &json, depth: depth)
        default: throw .malformed("MessagePack: 0xc1 is no value")
        }
    }

    /// The number of members of a map that comes next.
    mutating func mapCount(_ bytes: Span<UInt8>) throws(SocketIOError) -> Int {
        let marker = try byte(bytes)
        switch marker {
        case 0x80...0x8F: return Int(marker & 0x0F)
        case 0xDE, 0xDF: return try length(bytes, marker &- 0xDD)
        default: throw .malformed("MessagePack: a packet is a map")
        }
    }

    /// A string that comes next, as a range of the bytes.
    mutating func key(_ bytes: Span<UInt8>) throws(SocketIOError) -> Range<Int> {
        let marker = try byte(bytes)
        let count: Int
        switch marker {
        case 0xA0...0xBF: count = Int(marker & 0x1F)
        case 0xD9...0xDB: count = try length(bytes, marker &- 0xD9)
        default: throw .malformed("MessagePack: the key of a map is a string or a number")
        }
        return try take(count, bytes)
    }

    /// True at the end of the input.
    func isAtEnd(_ bytes: Span<UInt8>) -> Bool { offset == bytes.count }
}

// MARK: - Containers and text

extension MessagePackReader {
    private mutating func array(
        _ count: Int, _ bytes: Span<UInt8>, into json: inout [UInt8], depth: Int
    ) throws(SocketIOError) {
        guard depth > 0 else { throw .limit("MessagePack nested too deeply") }
        json.append(UInt8(ascii: "["))
        for index in 0..<count {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            try value(bytes, into: &json, depth: depth &- 1)
        }
        json.append(UInt8(ascii: "]"))
    }

    private mutating func map(
        _ count: Int, _ bytes: Span<UInt8>, into json: inout [UInt8], depth: Int
    ) throws(SocketIOError) {
        guard depth > 0 else { throw .limit("MessagePack nested too deeply") }
        json.append(UInt8(ascii: "{"))
        for index in 0..<count {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            try key(bytes, into: &json)
            json.append(UInt8(ascii: ":"))
            try value(bytes, into: &json, depth: depth &- 1)
        }
        json.append(UInt8(ascii: "}"))
    }

    /// Appends the key of a map's member. Python's clients write numbers and such as they are, where JSON has their text.
    private mutating func key(_ bytes: Span<UInt8>, into json: inout [UInt8]) throws(SocketIOError) {
        guard offset < bytes.count else { throw Self.truncated }
        switch bytes[offset] {
        case 0x00...0x7F, 0xC0, 0xC2, 0xC3, 0xCA...0xD3, 0xE0...0xFF:
            json.append(UInt8(ascii: "\""))
            try value(bytes, into: &json, depth: 0)
            json.append(UInt8(ascii: "\""))
        default: try append(text: bytes.extracting(try key(bytes)), to: &json)
        }
    }

    private mutating func string(
        _ count: Int, _ bytes: Span<UInt8>, into json: inout [UInt8]
    ) throws(SocketIOError) {
        try append(text: bytes.extracting(try take(count, bytes)), to: &json)
    }

    private func append(text: Span<UInt8>, to json: inout [UInt8]) throws(SocketIOError) {
        let string = text.withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) }
        guard let string else { throw .malformed("MessagePack: a string is UTF-8") }
        JSON.append(string, to: &json)
    }

    private mutating func binary(
        _ count: Int, _ bytes: Span<UInt8>, into json: inout [UInt8]
    ) throws(SocketIOError) {
        guard attachments.count < maximumAttachments else {
            throw .limit("more than \(maximumAttachments) attachments in a packet")
        }
        let range = try take(count, bytes)
        json.append(literal: #"{"_placeholder":true,"num":"#)
        SocketIOEncoder.appendDecimal(UInt64(attachments.count), into: &json)
        json.append(UInt8(ascii: "}"))
        attachments.append(bytes.extracting(range).withUnsafeBufferPointer { Array($0) })
    }

    /// An extension whose length is written out. Of type 0 it is an `ArrayBuffer` or a view of one, as notepack.io 2 has them;
    /// what it has as `undefined` and dates is never written so.
    private mutating func longExtended(
        _ count: Int, _ bytes: Span<UInt8>, into json: inout [UInt8]
    ) throws(SocketIOError) {
        let type = Int8(bitPattern: try byte(bytes))
        if type == 0 { return try binary(count, bytes, into: &json) }
        try extended(type, count, bytes, into: &json)
    }

    /// JavaScript's `undefined` (one byte of type 0) and dates: milliseconds in 64 bits of type 0, as notepack.io 2 has them,
    /// and the timestamps of the specification, of type -1.
    private mutating func extended(
        _ type: Int8, _ count: Int, _ bytes: Span<UInt8>, into json: inout [UInt8]
    ) throws(SocketIOError) {
        switch (type, count) {
        case (0, 1):
            _ = try take(1, bytes)
            json.append(literal: "null")
        case (0, 8): append(date: Double(try signed(bytes, 8)), to: &json)
        case (-1, 4): append(date: Double(try integer(bytes, 4)) * 1000, to: &json)
        case (-1, 8):
            let both = try integer(bytes, 8)
            append(date: Double(both & 0x3_FFFF_FFFF) * 1000 + Double(both >> 34) / 1e6, to: &json)
        case (-1, 12):
            let nanoseconds = try integer(bytes, 4)
            append(date: Double(try signed(bytes, 8)) * 1000 + Double(nanoseconds) / 1e6, to: &json)
        default: throw .malformed("MessagePack: unknown extension \(type) of \(count) bytes")
        }
    }
}

// MARK: - Numbers and bytes

extension MessagePackReader {
    private func append(_ value: Int64, to json: inout [UInt8]) { JSON.append(Int(value), to: &json) }

    /// As `JSON.stringify`: what has no finite value is null.
    private func append(_ value: Double, to json: inout [UInt8]) {
        if value.isFinite, (try? JSON.append(value, to: &json)) != nil { return }
        json.append(literal: "null")
    }

    /// As `toJSON` of JavaScript: a text, or null for a date that has none.
    private func append(date milliseconds: Double, to json: inout [UInt8]) {
        var isText = false
        JSONOutput.with(&json) { output in
            isText = JSONDate.append(Date(timeIntervalSince1970: milliseconds / 1000), to: &output)
        }
        if !isText { json.append(literal: "null") }
    }

    private mutating func byte(_ bytes: Span<UInt8>) throws(SocketIOError) -> UInt8 {
        guard offset < bytes.count else { throw Self.truncated }
        defer { offset &+= 1 }
        return bytes[offset]
    }

    private mutating func take(_ count: Int, _ bytes: Span<UInt8>) throws(SocketIOError) -> Range<Int> {
        guard count <= bytes.count &- offset else { throw Self.truncated }
        defer { offset &+= count }
        return offset..<(offset &+ count)
    }

    /// An unsigned number of that many bytes, at most 8.
    private mutating func integer(_ bytes: Span<UInt8>, _ width: Int) throws(SocketIOError) -> UInt64 {
        var value: UInt64 = 0
        for index in try take(width, bytes) { value = value &<< 8 | UInt64(bytes[index]) }
        return value
    }

    private mutating func signed(_ bytes: Span<UInt8>, _ width: Int) throws(SocketIOError) -> Int64 {
        let shift = UInt64(64 &- width &* 8)
        return Int64(bitPattern: try integer(bytes, width) &<< shift) &>> Int64(shift)
    }

    /// A length of 1, 2 or 4 bytes: two to the power of the exponent.
    private mutating func length(_ bytes: Span<UInt8>, _ exponent: UInt8) throws(SocketIOError) -> Int {
        Int(try integer(bytes, 1 << Int(exponent)))
    }

    private static var truncated: SocketIOError {
        .malformed("MessagePack: the packet ends before its value does")
    }
}
