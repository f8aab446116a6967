import Foundation
import ParleyWire
import Testing

@Suite("JSON: hostile texts give errors in bounded time")
struct JSONHostileTests {
    private func text(_ string: String) -> [UInt8] { Array(string.utf8) }

    /// Generous: debug builds on a loaded machine.
    private let bound = Duration.seconds(20)

    @Test("100,000 open brackets, and nested values of every depth, end in an error")
    func depth() {
        for open in ["[", "{\"a\":", "[{\"a\":"] {
            let bytes = text(String(repeating: open, count: 100_000))
            #expect(throws: JSONError.self) { try JSON.decode(JSONValue.self, from: bytes.span) }
            #expect(throws: JSONError.self) { try JSONArrayCursor(validating: bytes.span) }
        }
    }

    @Test("A number of 10^6 digits is too long, 1e999 too large")
    func numbers() {
        let long = text("[" + String(repeating: "9", count: 1_000_000) + "]")
        #expect(throws: JSONError(.numberTooLong, at: 1)) { try JSON.decode(JSONValue.self, from: long.span) }
        for number in [
            "1e999", "-1e999", "1e400", "1e99999999999999999999", "9" + String(repeating: "0", count: 400),
        ] {
            #expect(throws: DecodingError.self, "\(number)") { try jsonValue(JSONValue.self, number) }
            #expect(throws: DecodingError.self, "\(number)") { try jsonValue(Double.self, number) }
            #expect(throws: DecodingError.self, "\(number)") { try jsonValue(Int.self, number) }
            #expect(throws: DecodingError.self, "\(number)") { try jsonValue(Decimal.self, number) }
        }
        #expect(throws: Never.self) { try jsonValue(Double.self, "1e-99999999999999999999") }
    }

    @Test("An object of 200,000 keys is read in linear time, by name and as a dictionary")
    func keys() throws {
        var object = "{"
        for index in 0..<200_000 { object += "\"key\(index)\":\(index)," }
        object += "\"a\":1}"
        struct Wanted: Decodable {
            var a: Int
            var key0: Int
            var key199999: Int
            var missing: Int?
        }
        let bytes = text(object)
        let clock = ContinuousClock()
        let time = try clock.measure {
            let wanted = try JSON.decode(Wanted.self, from: bytes.span)
            #expect(wanted.a == 1 && wanted.key0 == 0 && wanted.key199999 == 199_999)
            #expect(try JSON.decode([String: Int].self, from: bytes.span).count == 200_001)
            // Not one of the known types: read by Codable, key by key.
            #expect(try JSON.decode([String: Int32].self, from: bytes.span).count == 200_001)
        }
        #expect(time < bound)
    }

    @Test("Keys that are all the same, or all escaped, take linear time too")
    func collidingKeys() throws {
        let same = text("{" + String(repeating: "\"a\":1,", count: 50_000) + "\"a\":2}")
        let escaped = text("{" + (0..<50_000).map { "\"\\u0061\($0)\":1," }.joined() + "\"b\":2}")
        struct Wanted: Decodable { var a: Int?, b: Int?, a49999: Int? }
        let time = try ContinuousClock().measure {
            #expect(try JSON.decode(Wanted.self, from: same.span).a == 2)
            let wanted = try JSON.decode(Wanted.self, from: escaped.span)
            #expect(wanted.a49999 == 1 && wanted.b == 2)
        }
        #expect(time < bound)
    }

    @Test("300,000 elements are read in linear time")
    func elements() throws {
        let bytes = text("[" + String(repeating: "[],", count: 300_000) + "{}]")
        let time = try ContinuousClock().measure {
            #expect(try JSON.decode(JSONValue.self, from: bytes.span).arrayValue?.count == 300_001)
            var cursor = try JSONArrayCursor(validating: bytes.span)
            while !cursor.isAtEnd { _ = try cursor.next(JSONValue.self, in: bytes.span) }
            #expect(cursor.position == 300_001)
        }
        #expect(time < bound)
    }

    @Test("A NUL escape is a character (RFC 8259 7), a lone surrogate an error")
    func characters() throws {
        #expect(try jsonValue(String.self, "\"a\\u0000b\"") == "a\0b")
        #expect(throws: JSONError.self) { try jsonValue(String.self, "\"\\uD800\"") }
        #expect(throws: JSONError.self) { try jsonValue(JSONValue.self, "{\"\\uDC00\":1}") }
    }

    @Test(
        "A placeholder must name an attachment, each at most once",
        arguments: [
            #"{"_placeholder":true,"num":5}"#, #"{"_placeholder":true,"num":-1}"#,
            #"{"_placeholder":true,"num":1.5}"#,
            #"{"_placeholder":true,"num":"splice"}"#, #"{"_placeholder":true,"num":"0"}"#,
            #"{"_placeholder":true}"#,
            #"{"_placeholder":true,"num":null}"#, #"{"_placeholder":true,"num":99999999999999999999}"#,
            #"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#,
            #"{"a":{"_placeholder":true,"num":2}}"#,
        ])
    func placeholders(_ placeholder: String) throws {
        let attachments: [[UInt8]] = [[1], [2]]
        #expect(throws: JSONError.self) {
            try jsonValue(JSONValue.self, placeholder, attachments: attachments)
        }
        let packet = text("[\"event\",\(placeholder)]")
        #expect(throws: JSONError.self) {
            try JSONArrayCursor(validating: packet.span, attachments: attachments)
        }
        #expect(throws: (any Error).self) { try jsonValue(Data.self, placeholder, attachments: []) }
    }

    @Test("Ten thousand texts of random bytes and of random tokens are judged without a trap")
    func random() {
        var generator = SeededGenerator(seed: 7)
        let tokens = [
            "{", "}", "[", "]", ",", ":", "\"a\"", "1", "-0.5e1", "null", "true", "\"\\u00e9\"", " ",
            "\"_placeholder\"",
        ]
        for _ in 0..<10_000 {
            var bytes: [UInt8] = []
            if Bool.random(using: &generator) {
                for _ in 0..<Int.random(in: 0..<20, using: &generator) {
                    bytes.append(UInt8.random(in: 0...255, using: &generator))
                }
            } else {
                for _ in 0..<Int.random(in: 0..<20, using: &generator) {
                    bytes += Array(tokens.randomElement(using: &generator).map { $0.utf8 } ?? "".utf8)
                }
            }
            let valid = isValid(bytes)
            let value = try? JSON.decode(JSONValue.self, from: bytes.span)
            #expect((value != nil) == valid || valid)
            var cursor = try? JSONArrayCursor(validating: bytes.span)
            while let next = try? cursor?.next(JSONValue.self, in: bytes.span) { _ = next }
        }
    }
}
