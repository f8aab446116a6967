import Foundation
import ParleyWire
import Testing

private class Animal: Codable {
    var name: String
    init(name: String) { self.name = name }
}

private final class Dog: Animal {
    var age = 0
    private enum Keys: String, CodingKey { case age }

    init(name: String, age: Int) {
        super.init(name: name)
        self.age = age
    }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        try super.init(from: container.superDecoder())
        age = try container.decode(Int.self, forKey: .age)
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try super.encode(to: container.superEncoder())
        try container.encode(age, forKey: .age)
    }
}

/// A class that writes into the same object as its base class.
private final class Cat: Animal {
    var lives = 9
    private enum Keys: String, CodingKey { case lives }

    override func encode(to encoder: any Encoder) throws {
        try super.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(lives, forKey: .lives)
    }
}

private enum Shape: Codable, Equatable {
    case circle(radius: Double)
    case rectangle(Int, Int)
    case empty
}

private enum Level: Int, Codable { case low = 1, high = 2 }

private struct Closure: Encodable {
    var body: @Sendable (any Encoder) throws -> Void
    func encode(to encoder: any Encoder) throws { try body(encoder) }
}

private enum Key: String, CodingKey { case a, b, c, d }

@Suite("JSON encoding: what Codable allows")
struct JSONEncodingTests {
    private func text(_ body: @escaping @Sendable (any Encoder) throws -> Void) throws -> String {
        try jsonText(Closure(body: body))
    }

    @Test("Scalars at the root are written without an encoder, and the same within one")
    func scalars() throws {
        #expect(try jsonText("a\"\\\u{8}\u{C}\n\r\t\u{1}\u{1F}/é😀") == #""a\"\\\b\f\n\r\t\u0001\u001f/é😀""#)
        #expect(try jsonText("") == "\"\"")
        #expect(try jsonText([String](repeating: "12345678\"", count: 2)) == #"["12345678\"","12345678\""]"#)
        #expect(try jsonText(Int.min) == "-9223372036854775808")
        #expect(try jsonText(UInt64.max) == "18446744073709551615")
        #expect(try jsonText([Int8(-1), 0, 10, 99, 100]) == "[-1,0,10,99,100]")
        #expect(try jsonText(Int128.max) == "\(Int128.max)")
        #expect(try jsonText(true) == "true")
        #expect(try jsonText(String?.none) == "null")
        #expect(try jsonText(["a", nil]) == "[\"a\",null]")
        #expect(try jsonText([["a": 1]]) == "[{\"a\":1}]")
        #expect(try jsonText([1: "a"]) == "{\"1\":\"a\"}")
        #expect(try jsonText([UInt8]([1, 255])) == "[1,255]")
        #expect(try jsonText(URL(string: "https://a.b/c?d=e")) == "\"https://a.b/c?d=e\"")
        #expect(try jsonText(Decimal(string: "1.10")) == "1.1")
        #expect(try jsonText(Level.high) == "2")
    }

    @Test("Enums with associated values, superclasses and shared objects are written as Foundation does")
    func shapes() throws {
        let shapes: [Shape] = [.circle(radius: 1.5), .rectangle(2, 3), .empty]
        #expect(
            try jsonText(shapes) == #"[{"circle":{"radius":1.5}},{"rectangle":{"_0":2,"_1":3}},{"empty":{}}]"#
        )
        #expect(try jsonValue([Shape].self, jsonText(shapes)) == shapes)
        #expect(try jsonText(Dog(name: "Rex", age: 3)) == #"{"super":{"name":"Rex"},"age":3}"#)
        #expect(try jsonText(Cat(name: "Tom")) == #"{"name":"Tom","lives":9}"#)
        let dog = try jsonValue(Dog.self, #"{"age":4,"super":{"name":"Max"}}"#)
        #expect(dog.name == "Max" && dog.age == 4)
    }

    @Test("Inner containers and super encoders may be used in any order")
    func interleaved() throws {
        let interleaved = try text { encoder in
            var root = encoder.container(keyedBy: Key.self)
            var inner = root.nestedContainer(keyedBy: Key.self, forKey: .a)
            var list = root.nestedUnkeyedContainer(forKey: .b)
            try inner.encode(1, forKey: .a)
            try list.encode("x")
            try root.encode(true, forKey: .c)
            try inner.encode([2, 3], forKey: .b)
            var deep = inner.nestedContainer(keyedBy: Key.self, forKey: .c)
            try list.encode("y")
            try deep.encode("z", forKey: .d)
            try root.encode(false, forKey: .d)
            try deep.encode(["k": ["v"]], forKey: .a)
            #expect(list.count == 2)
        }
        #expect(
            interleaved
                == #"{"a":{"a":1,"b":[2,3],"c":{"d":"z","a":{"k":["v"]}}},"b":["x","y"],"c":true,"d":false}"#)
        let late = try text { encoder in
            var root = encoder.container(keyedBy: Key.self)
            let first = root.superEncoder(forKey: .a)
            let second = root.superEncoder(forKey: .b)
            let third = root.superEncoder(forKey: .c)
            _ = root.superEncoder()
            try root.encode(1, forKey: .d)
            var list = second.unkeyedContainer()
            try list.encode(2)
            var value = first.singleValueContainer()
            try value.encode("late")
            try list.encode(3)
            var object = third.container(keyedBy: Key.self)
            try object.encode(4, forKey: .a)
        }
        #expect(late == #"{"a":"late","b":[2,3],"c":{"a":4},"super":{},"d":1}"#)
    }

    @Test("A late item that fails is taken back as well, and arrays may hold inner containers of every kind")
    func interleavedErrors() throws {
        let result = try text { encoder in
            var root = encoder.unkeyedContainer()
            var object = root.nestedContainer(keyedBy: Key.self)
            let value = root.superEncoder()
            var list = root.nestedUnkeyedContainer()
            try root.encode("end")
            #expect(throws: EncodingError.self) { try object.encode(Double.nan, forKey: .a) }
            try object.encode(1, forKey: .b)
            var single = value.singleValueContainer()
            #expect(throws: EncodingError.self) { try single.encode([Float.infinity]) }
            try single.encode([1.5])
            #expect(throws: EncodingError.self) { try single.encode(2) }
            try list.encodeNil()
            var inner = list.nestedUnkeyedContainer()
            try inner.encode(["k": Data([1])])
            try object.encode(2, forKey: .c)
            #expect(root.count == 4 && list.count == 2 && inner.count == 1)
        }
        #expect(result == #"[{"b":1,"c":2},[1.5],[null,[{"k":"AQ=="}]],"end"]"#)
    }

    @Test("A value that encodes nothing is an empty object inside another, and an error at the root")
    func nothing() throws {
        let nothing = Closure { _ in }
        #expect(try jsonText([nothing, nothing]) == "[{},{}]")
        #expect(throws: EncodingError.self) { try jsonText(nothing) }
        #expect(try text { _ = $0.unkeyedContainer() } == "[]")
        #expect(try text { _ = $0.container(keyedBy: Key.self) } == "{}")
    }

    @Test("An item that fails is taken back, so that the value may catch the error and go on")
    func caughtErrors() throws {
        let result = try text { encoder in
            var root = encoder.container(keyedBy: Key.self)
            try root.encode(1, forKey: .a)
            try? root.encode(Double.nan, forKey: .b)
            try? root.encode([["x": Double.infinity]], forKey: .b)
            try? root.encode(
                Closure { inner in
                    var list = inner.unkeyedContainer()
                    var nested = list.nestedContainer(keyedBy: Key.self)
                    try nested.encode(Data([1]), forKey: .a)
                    try list.encode(Float.nan)
                }, forKey: .c)
            try root.encode(2, forKey: .d)
        }
        #expect(result == #"{"a":1,"d":2}"#)
    }

    @Test("Misuse is an error, never a trap")
    func misuse() throws {
        #expect(throws: EncodingError.self) {
            try text { encoder in
                var value = encoder.singleValueContainer()
                try value.encode(1)
                try value.encode(2)
            }
        }
        #expect(throws: EncodingError.self) {
            try text { encoder in
                _ = encoder.container(keyedBy: Key.self)
                var list = encoder.unkeyedContainer()
                try list.encode(1)
            }
        }
        nonisolated(unsafe) var escaped: (any Encoder)?
        _ = try text { encoder in
            escaped = encoder
            _ = encoder.unkeyedContainer()
        }
        let encoder = try #require(escaped)
        var list = encoder.unkeyedContainer()
        #expect(throws: EncodingError.self) { try list.encode(1) }
        var object = encoder.container(keyedBy: Key.self)
        #expect(throws: EncodingError.self) { try object.encode(1, forKey: .a) }
        #expect(encoder.codingPath.isEmpty && list.count == 0)
    }

    @Test("An error names the path to the value")
    func errorPath() throws {
        struct Inner: Encodable { var list: [[String: Float]] }
        struct Outer: Encodable { var ok = 1, inner: Inner }
        let value = Outer(inner: Inner(list: [["a": 1], ["b\"": .infinity]]))
        let error = #expect(throws: EncodingError.self) { try jsonText(value) }
        guard case .invalidValue(let invalid, let context)? = error else { return }
        #expect(invalid as? Float == .infinity)
        #expect(context.codingPath.map(\.stringValue) == ["inner", "list", "Index 1", "b\""])
        #expect(throws: EncodingError.self) { try jsonText(Double.nan) }
        #expect(throws: EncodingError.self) { try jsonText([Double.infinity]) }
        #expect(throws: EncodingError.self) { try jsonText(Date(timeIntervalSince1970: 1e15)) }
        #expect(throws: EncodingError.self) { try jsonText(Decimal.nan) }
    }

    @Test("The coding path is known to the value while it is written")
    func codingPath() throws {
        _ = try text { encoder in
            var root = encoder.container(keyedBy: Key.self)
            try root.encode(
                [
                    Closure { inner in
                        #expect(inner.codingPath.map(\.stringValue) == ["a", "Index 0"])
                        var value = inner.singleValueContainer()
                        try value.encode(1)
                    }
                ], forKey: .a)
        }
    }

    @Test("A value that is nested too deeply is an error")
    func depth() {
        var value = JSONValue.null
        for _ in 0..<600 { value = [value] }
        let deep = value
        #expect(throws: EncodingError.self) { try jsonText(deep) }
        final class Endless: Encodable {
            func encode(to encoder: any Encoder) throws {
                var list = encoder.unkeyedContainer()
                try list.encode(self)
            }
        }
        #expect(throws: EncodingError.self) { try jsonText(Endless()) }
    }

    @Test("Binary is found anywhere, and numbered in the order in which it is written")
    func binary() throws {
        struct Frame: Codable, Equatable {
            var parts: [Data]
            var extra: [String: JSONValue]
            var last: Data?
        }
        let frame = Frame(parts: [Data([1]), Data()], extra: ["k": [.binary([2, 3])]], last: Data([4]))
        var bytes: [UInt8] = []
        var attachments: [[UInt8]] = []
        try JSON.encode(frame, into: &bytes, attachments: &attachments)
        #expect(attachments == [[1], [], [2, 3], [4]])
        #expect(try JSON.decode(Frame.self, from: bytes.span, attachments: attachments) == frame)
        #expect(String(decoding: bytes, as: UTF8.self).hasSuffix(#""last":{"_placeholder":true,"num":3}}"#))
        let slice = Data([9, 8, 7, 6])[1...2]
        #expect(try jsonText(slice) == "\"CAc=\"")
        for count in 0..<20 {
            let data = Data((0..<count).map { UInt8($0 * 11) })
            #expect(try jsonText(data) == "\"\(data.base64EncodedString())\"")
            #expect(try jsonValue(Data.self, jsonText(data)) == data)
        }
    }

    @Test("Large output leaves the small buffer behind and is appended whole")
    func large() throws {
        let strings = (0..<5_000).map { "string number \($0) \"quoted\"" }
        var bytes = Array("42".utf8)
        try JSON.encode(strings, into: &bytes)
        #expect(bytes.starts(with: "42[".utf8))
        let array = Array(bytes.dropFirst(2))
        #expect(try JSON.decode([String].self, from: array.span) == strings)
    }

    @Test(
        "A string is written alike wherever its escapes, and what is not ASCII, are among the bytes written at a time"
    )
    func positions() throws {
        func written(_ character: Character) -> String {
            switch character {
            case "\"": #"\""#
            case "\\": #"\\"#
            case "\n": #"\n"#
            case "\u{1F}": #"\u001f"#
            default: String(character)
            }
        }
        let special: [Character] = ["\"", "\\", "\n", "\u{1F}", " ", "\u{7F}", "\u{80}", "é", "日", "😀"]
        for length in 0..<40 {
            for position in 0...length {
                for (index, character) in special.enumerated() {
                    var characters = [Character](repeating: "x", count: length)
                    characters.insert(character, at: position)
                    characters.append(special[(index + position) % special.count])
                    let expected = "\"" + characters.map(written).joined() + "\""
                    #expect(try jsonText(String(characters)) == expected)
                }
            }
        }
    }
}
