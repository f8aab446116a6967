import Foundation
import ParleyWire
import Testing

private struct Optionals: Codable, Equatable {
    var a: Int?
    var b: String?
    var c: [Int]?
}

private enum Key: String, CodingKey { case a, b, c }

private struct Probe: Decodable {
    nonisolated(unsafe) static var body: ((any Decoder) throws -> Void)?
    init(from decoder: any Decoder) throws { try Probe.body?(decoder) }
}

@Suite("JSON decoding: what Codable allows", .serialized)
struct JSONDecodingTests {
    private func probe(_ text: String, _ body: @escaping (any Decoder) throws -> Void) throws {
        Probe.body = body
        defer { Probe.body = nil }
        _ = try jsonValue(Probe.self, text)
    }

    private func path(_ error: DecodingError?) -> [String] {
        switch error {
        case .typeMismatch(_, let context)?, .valueNotFound(_, let context)?, .dataCorrupted(let context)?:
            context.codingPath.map(\.stringValue)
        case .keyNotFound(let key, let context)?: context.codingPath.map(\.stringValue) + [key.stringValue]
        default: ["no error"]
        }
    }

    @Test("A missing member and null both are nil for an Optional")
    func optionals() throws {
        #expect(try jsonValue(Optionals.self, "{}") == Optionals())
        #expect(try jsonValue(Optionals.self, #"{"a":null,"b":null,"c":null}"#) == Optionals())
        #expect(try jsonValue(Optionals.self, #"{"c":[1],"a":2,"b":"x"}"#) == Optionals(a: 2, b: "x", c: [1]))
        #expect(throws: DecodingError.self) { try jsonValue(Optionals.self, #"{"a":"x"}"#) }
        #expect(try jsonValue([Int?].self, "[1,null]") == [1, nil])
        #expect(try jsonValue(Int?.self, "null") == nil)
        #expect(try jsonValue(String?.self, "\"x\"") == "x")
    }

    @Test("A number is an integer when it is one exactly, and fits")
    func integers() throws {
        for (text, value) in [
            ("1", 1), ("-0", 0), ("1.0", 1), ("1e2", 100), ("1.5e1", 15), ("100e-2", 1), ("-1.20e1", -12),
            ("0.0", 0),
            ("0e99", 0), ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
            ("9.223372036854775807e18", Int.max), ("1000000000000000000000e-3", 1_000_000_000_000_000_000),
            ("1.0000000000000000000000000000000000", 1),
        ] {
            #expect(try jsonValue(Int.self, text) == value, "\(text)")
            #expect(try jsonValue([Int64].self, "[\(text)]") == [Int64(value)], "\(text)")
        }
        for text in ["1.5", "1e-1", "9223372036854775808", "-9223372036854775809", "1e19", "1e400", "0.1e0"] {
            #expect(throws: DecodingError.self, "\(text)") { try jsonValue(Int.self, text) }
        }
        #expect(throws: DecodingError.self) { try jsonValue(UInt8.self, "256") }
        #expect(throws: DecodingError.self) { try jsonValue(UInt.self, "-1") }
        #expect(try jsonValue(UInt64.self, "18446744073709551615") == .max)
        #expect(try jsonValue(Int128.self, "\(Int128.min)") == .min)
        #expect(try jsonValue(UInt128.self, "\(UInt128.max)") == .max)
        #expect(try jsonValue(Int8.self, "-128") == -128)
        #expect(throws: DecodingError.self) { try jsonValue(Int.self, "true") }
        #expect(throws: DecodingError.self) { try jsonValue(Bool.self, "1") }
        #expect(throws: DecodingError.self) { try jsonValue(String.self, "1") }
    }

    @Test("Of a repeated key the last value counts, in small objects and in large ones")
    func repeatedKeys() throws {
        #expect(try jsonValue(Optionals.self, #"{"a":1,"a":2,"\u0061":3}"#).a == 3)
        let many = (0..<100).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        #expect(try jsonValue(Optionals.self, "{\"a\":1,\(many),\"a\":7}").a == 7)
        #expect(try jsonValue(JSONValue.self, #"{"a":1,"a":2}"#) == ["a": 2])
        #expect(try jsonValue([String: Int].self, #"{"a":1,"a":2}"#) == ["a": 2])
        #expect(try jsonValue([String: Int16].self, #"{"a":1,"a":2}"#) == ["a": 2])
    }

    @Test("Errors name the path to the value, and the kind of mismatch")
    func errorPaths() {
        struct Inner: Codable { var list: [Optionals] }
        struct Outer: Codable { var inner: Inner }
        func failure(_ text: String) -> DecodingError? {
            #expect(throws: DecodingError.self) { try jsonValue(Outer.self, text) }
        }
        #expect(path(failure(#"{"inner":{"list":[{},{"a":"x"}]}}"#)) == ["inner", "list", "Index 1", "a"])
        #expect(
            path(failure(#"{"inner":{"list":[{"c":[1,null]}]}}"#)) == [
                "inner", "list", "Index 0", "c", "Index 1",
            ])
        #expect(path(failure(#"{"inner":{"list":7}}"#)) == ["inner", "list"])
        #expect(path(failure(#"{"inner":{}}"#)) == ["inner", "list"])
        #expect(path(failure("{}")) == ["inner"])
        #expect(path(failure("[]")) == [])
        guard case .valueNotFound? = failure(#"{"inner":null}"#) else { return #expect(Bool(false)) }
        guard case .keyNotFound? = failure("{}") else { return #expect(Bool(false)) }
        guard case .typeMismatch? = failure("1") else { return #expect(Bool(false)) }
    }

    @Test("Nested containers, super decoders and all keys")
    func containers() throws {
        try probe(#"{"a":{"b":1,"c":[1,{"a":2},null,[3],"s"]},"super":5}"#) { decoder in
            let root = try decoder.container(keyedBy: Key.self)
            #expect(root.allKeys == [.a])
            #expect(root.contains(.a) && !root.contains(.b))
            let inner = try root.nestedContainer(keyedBy: Key.self, forKey: .a)
            #expect(inner.codingPath.map(\.stringValue) == ["a"])
            var list = try inner.nestedUnkeyedContainer(forKey: .c)
            #expect(list.count == 5 && list.currentIndex == 0)
            #expect(throws: DecodingError.self) { try list.decode(String.self) }
            #expect(try list.decode(Int.self) == 1)
            #expect(try list.nestedContainer(keyedBy: Key.self).decode(Int.self, forKey: .a) == 2)
            #expect(try list.decodeNil())
            #expect(try !list.decodeNil())
            var deep = try list.nestedUnkeyedContainer()
            #expect(try deep.decode(Double.self) == 3)
            #expect(throws: DecodingError.self) { try deep.decode(Int.self) }
            #expect(try list.superDecoder().singleValueContainer().decode(String.self) == "s")
            #expect(list.isAtEnd)
            #expect(try root.superDecoder().singleValueContainer().decode(Int.self) == 5)
            #expect(try root.superDecoder(forKey: .b).singleValueContainer().decodeNil())
            #expect(throws: DecodingError.self) {
                try root.superDecoder(forKey: .b).singleValueContainer().decode(Int.self)
            }
        }
    }

    @Test("A decoder or container that escapes its value throws, and reads no freed memory")
    func escapes() throws {
        nonisolated(unsafe) var escaped: (any Decoder)?
        nonisolated(unsafe) var object: KeyedDecodingContainer<Key>?
        try probe(#"{"a":1}"#) { decoder in
            escaped = decoder
            object = try decoder.container(keyedBy: Key.self)
        }
        let decoder = try #require(escaped)
        let container = try #require(object)
        #expect(throws: DecodingError.self) { try decoder.container(keyedBy: Key.self) }
        #expect(throws: DecodingError.self) { try decoder.unkeyedContainer() }
        #expect(throws: DecodingError.self) { try decoder.singleValueContainer().decode(JSONValue.self) }
        #expect(throws: DecodingError.self) { try container.decode(Int.self, forKey: .a) }
        #expect(throws: DecodingError.self) { try container.decodeIfPresent(Int.self, forKey: .a) }
        #expect(container.allKeys.isEmpty && !container.contains(.a) && decoder.codingPath.isEmpty)
    }

    @Test("The text must be one value and no more")
    func wholeText() {
        for text in ["", " ", "1 1", "[1]]", "{}x", "\"a\" \"b\"", "nul"] {
            #expect(throws: JSONError.self, "\(text)") { try jsonValue(JSONValue.self, text) }
            #expect(throws: JSONError.self, "\(text)") { try jsonValue(String.self, text) }
        }
    }

    @Test("Strings: escapes, surrogate pairs, long and short")
    func strings() throws {
        #expect(
            try jsonValue(String.self, #" "a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀" "#)
                == "a\"\\/\u{8}\u{C}\n\r\té😀é😀")
        #expect(try jsonValue([String].self, #"["\u0041\u0000\uFFFF"]"#) == ["A\0\u{FFFF}"])
        let long = String(repeating: "long text é ", count: 1_000)
        #expect(try jsonValue(String.self, jsonText(long)) == long)
        #expect(try jsonValue([String: String].self, #"{"\u00e9":"1","é2":"2"}"#) == ["é": "1", "é2": "2"])
    }

    @Test("Data, URL, Decimal and Foundation's other types")
    func foundationTypes() throws {
        #expect(try jsonValue(URL.self, "\"http://a/b\"") == URL(string: "http://a/b"))
        #expect(try jsonValue(Decimal.self, "1.10") == Decimal(string: "1.1"))
        #expect(try jsonValue(Data.self, #""AQ\u0049D""#) == Data([1, 2, 3]))
        for text in ["\"A\"", "\"AQID=\"", "\"AR==\"", "\"A===\"", "\"AQ=a\"", "\"AQI*\"", "1", "[1]"] {
            #expect(throws: DecodingError.self, "\(text)") { try jsonValue(Data.self, text) }
        }
        #expect(throws: DecodingError.self) { try jsonValue(Data.self, "\"AQID\"", attachments: []) }
        let uuid = UUID()
        #expect(try jsonValue(UUID.self, jsonText(uuid)) == uuid)
    }

    @Test("Without attachments a placeholder is an ordinary object")
    func plainPlaceholder() throws {
        let text = #"{"_placeholder":true,"num":0}"#
        #expect(try jsonValue(JSONValue.self, text) == ["_placeholder": true, "num": 0])
        #expect(try jsonValue(JSONValue.self, text, attachments: [[1]]) == .binary([1]))
        #expect(
            try jsonValue(JSONValue.self, #"{"_placeholder":false,"num":0}"#, attachments: [[1]])
                == ["_placeholder": false, "num": 0])
    }

    @Test("White space may stand around every token")
    func whitespace() throws {
        #expect(
            try jsonValue(Optionals.self, " \n{ \t\"a\" :\r1 , \"c\" : [ 1 , 2 ] } ")
                == Optionals(a: 1, c: [1, 2]))
    }
}
