import Foundation
import ParleyWire
import Testing

private struct Point: Codable, Equatable {
    var x: Int
    var y: Int
}

@Suite("JSONArrayCursor: positional arguments")
struct JSONArrayCursorTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test("Every argument is read as the type that is asked for, white space or not")
    func arguments() throws {
        for text in [
            #"["move",{"x":1,"y":2},[1,2],null,"z",5]"#,
            " [ \"move\" , {\"x\":1,\"y\":2} , [1,2] , null , \"z\" , 5 ] ",
        ] {
            let bytes = bytes(text)
            var cursor = try JSONArrayCursor(validating: bytes.span)
            #expect(try cursor.next(String.self, in: bytes.span) == "move")
            #expect(cursor.position == 1)
            #expect(try cursor.next(Point.self, in: bytes.span) == Point(x: 1, y: 2))
            #expect(try cursor.next([Int].self, in: bytes.span) == [1, 2])
            #expect(try cursor.next(Int?.self, in: bytes.span) == nil)
            #expect(try cursor.next(String?.self, in: bytes.span) == "z")
            #expect(!cursor.isAtEnd)
            #expect(try cursor.next(Int.self, in: bytes.span) == 5)
            #expect(cursor.isAtEnd)
        }
    }

    @Test("A missing argument is nil for an Optional and an error for any other type")
    func missing() throws {
        let bytes = bytes("[]")
        var cursor = try JSONArrayCursor(validating: bytes.span)
        #expect(cursor.isAtEnd)
        #expect(try cursor.next(Int?.self, in: bytes.span) == nil)
        #expect(try cursor.next(Point?.self, in: bytes.span) == nil)
        #expect(try cursor.next(String?.self, in: bytes.span) == nil)
        #expect(throws: DecodingError.self) { try cursor.next(Int.self, in: bytes.span) }
        #expect(throws: DecodingError.self) { try cursor.next(String.self, in: bytes.span) }
    }

    @Test("The coding path of an error begins with the argument's position, and the cursor stays there")
    func errorPath() throws {
        let bytes = bytes(#"["a",{"x":1,"y":[{"z":"no"}]}]"#)
        var cursor = try JSONArrayCursor(validating: bytes.span)
        _ = try cursor.next(String.self, in: bytes.span)
        struct Deep: Decodable { var y: [[String: Int8]] }
        let error = #expect(throws: DecodingError.self) { try cursor.next(Deep.self, in: bytes.span) }
        guard case .typeMismatch(_, let context)? = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(context.codingPath.map(\.stringValue) == ["Index 1", "y", "Index 0", "z"])
        #expect(context.codingPath.map(\.intValue) == [1, nil, 0, nil])
        #expect(cursor.position == 1)
        #expect(try cursor.next(JSONValue.self, in: bytes.span)["x"] == 1)
    }

    @Test("The name can be compared in place, and is skipped only if it is a string")
    func nameInPlace() throws {
        let bytes = bytes(#"["join",1]"#)
        var cursor = try JSONArrayCursor(validating: bytes.span)
        let name = cursor.nextStringRange(in: bytes.span)
        let join = Array("join".utf8)
        let isJoin = name?.equals(join.span, in: bytes.span)
        #expect(isJoin == true)
        let number = cursor.nextStringRange(in: bytes.span)
        #expect(number == nil)
        #expect(cursor.position == 1)
        #expect(try cursor.next(Int.self, in: bytes.span) == 1)
        let end = cursor.nextStringRange(in: bytes.span)
        #expect(end == nil)
    }

    @Test(
        "A bad array is refused before anything of it is used",
        arguments: [
            "", "{}", "1", "null", "[1", "[1,]", "[1]x", "[1],", "\"a\"", "[\"\\uD800\"]", "[01]",
        ])
    func refused(_ text: String) {
        let bytes = bytes(text)
        #expect(throws: JSONError.self) { try JSONArrayCursor(validating: bytes.span) }
    }

    @Test("The array may begin behind a packet's header")
    func offset() throws {
        let bytes = bytes("42/chat,7[\"a\",1]")
        var cursor = try JSONArrayCursor(validating: bytes.span, at: 9)
        #expect(try cursor.next(String.self, in: bytes.span) == "a")
        #expect(try cursor.next(Int.self, in: bytes.span) == 1)
    }

    @Test("Attachments are found from any argument")
    func attachments() throws {
        let bytes = bytes(#"["f",{"a":{"_placeholder":true,"num":1}},{"num":0,"_placeholder":true}]"#)
        let attachments: [[UInt8]] = [[1, 2], [3]]
        var cursor = try JSONArrayCursor(validating: bytes.span, attachments: attachments)
        _ = try cursor.next(String.self, in: bytes.span)
        #expect(try cursor.next([String: Data].self, in: bytes.span) == ["a": Data([3])])
        #expect(try cursor.next(JSONValue.self, in: bytes.span) == .binary([1, 2]))
    }

    @Test("With other bytes than it was made with, the cursor gives errors or values but never traps")
    func foreignBytes() throws {
        let text = bytes(#"["event",{"x":1,"y":2},[1,2,3],"abc"]"#)
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<2_000 {
            var other = text
            for _ in 0..<3 {
                other[Int.random(in: 0..<other.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            other.removeLast(Int.random(in: 0..<other.count, using: &generator))
            var cursor = try JSONArrayCursor(validating: text.span)
            for _ in 0..<5 {
                _ = try? cursor.next(String.self, in: other.span)
                _ = try? cursor.next(Point.self, in: other.span)
                _ = cursor.nextStringRange(in: other.span)
            }
        }
    }
}
