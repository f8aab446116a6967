import Foundation
import ParleyWire
import Testing

@Suite("An event's array, of which each byte is looked at once")
struct JSONArrayCursorEventTests {
    private struct Outcome: Equatable {
        var name: String?
        var arguments: [JSONValue] = []
        var error: JSONError.Rule?
    }

    private func inOnePass(_ text: String, depth: Int = 128, _ attachments: [[UInt8]]? = nil) -> Outcome {
        let bytes = Array(text.utf8)
        var range = JSONStringRange(contents: 0..<0, hasEscapes: false)
        do {
            var cursor = try JSONArrayCursor(
                event: bytes.span, name: &range, attachments: attachments, maximumDepth: depth)
            return Outcome(name: range.string(in: bytes.span), arguments: try rest(&cursor, bytes))
        } catch let error as JSONError {
            return Outcome(error: error.rule)
        } catch {
            return Outcome()
        }
    }

    /// Validates first, then reads the name as any other element.
    private func inTwoPasses(_ text: String, depth: Int = 128, _ attachments: [[UInt8]]? = nil) -> Outcome {
        let bytes = Array(text.utf8)
        do {
            var cursor = try JSONArrayCursor(
                validating: bytes.span, attachments: attachments, maximumDepth: depth)
            guard let range = cursor.nextStringRange(in: bytes.span) else {
                return Outcome(error: .notAString)
            }
            return Outcome(name: range.string(in: bytes.span), arguments: try rest(&cursor, bytes))
        } catch let error as JSONError {
            return Outcome(error: error.rule)
        } catch {
            return Outcome()
        }
    }

    private func rest(_ cursor: inout JSONArrayCursor, _ bytes: [UInt8]) throws -> [JSONValue] {
        var values: [JSONValue] = []
        while !cursor.isAtEnd {
            var inSession = cursor
            values.append(try cursor.next(JSONValue.self, in: bytes.span))
            #expect(try inSession.next(Wrapped.self, in: bytes.span).value == values.last)
        }
        return values
    }

    /// A value that is read by a decoder in any case.
    private struct Wrapped: Decodable {
        let value: JSONValue

        init(from decoder: any Decoder) throws {
            value = try decoder.singleValueContainer().decode(JSONValue.self)
        }
    }

    @Test(
        "it reads what validating first reads",
        arguments: [
            #"["a"]"#, #"["a",1]"#, #" [ "a" , {"b":[1,2]} , "c" ] "#, #"["",null,true]"#,
            #"["\u0061\n","é"]"#,
            #"["a",[[[[]]]],{}]"#, #"["a", ]"#, #"["a",]"#, #"["a" 1]"#, #"["a"}"#, #"["a"]]"#, #"["a"] x"#,
            #"["a"#,
            #"["a","#, #"["a",1"#, "[", "", "{}", "[]", "[1]", #"[["a"]]"#, #"["a",{"b"}]"#, "[\"\u{1}\"]",
            #"["\ud800"]"#,
        ])
    func agreement(text: String) {
        let (one, two) = (inOnePass(text), inTwoPasses(text))
        // An array that is malformed behind a first element which is no string is refused for either.
        #expect(one == two || (one.error != nil && two.error != nil), "\(one) \(two)")
    }

    @Test("nesting has the same limit")
    func depth() {
        for depth in 1...6 {
            let text = #"["a",\#(String(repeating: "[", count: 3))\#(String(repeating: "]", count: 3))]"#
            #expect(inOnePass(text, depth: depth) == inTwoPasses(text, depth: depth))
            #expect((inOnePass(text, depth: depth).error == nil) == (depth >= 4))
        }
        for text in [#"["a"]"#, #"["a",1]"#] {
            #expect(
                inOnePass(text, depth: 0) == inTwoPasses(text, depth: 0)
                    && inOnePass(text, depth: 0).error != nil)
        }
    }

    @Test("placeholders are checked where there are attachments")
    func placeholders() throws {
        let bytes = Array(#"["a",{"_placeholder":true,"num":1}]"#.utf8)
        var range = JSONStringRange(contents: 0..<0, hasEscapes: false)
        #expect(throws: (any Error).self) {
            _ = try JSONArrayCursor(event: bytes.span, name: &range, attachments: [[1]])
        }
        var cursor = try JSONArrayCursor(event: bytes.span, name: &range, attachments: [[1], [2]])
        #expect(try cursor.next(JSONValue.self, in: bytes.span) == .binary([2]))
    }

    @Test(
        "with attachments too, however a client writes the placeholders",
        arguments: [
            "P0", "P1", "P0,P1", "P1,P0", "P0,P0", "P9", "P10", "P63", "P64", "P65", "P99", "P100",
            "P0,1,\"x\",P2,null", "P0,{}",
            "P0,[1]", "[P0]", "{\"a\":P0}", "P0,{\"a\":P1}", "P0,[P0]", "P64,P64", "P0 , P1 ", "\n P0",
            "P0 P1", "P0,", ",P0", "P0x",
            #"{"_placeholder":true,"num":00}"#, #"{"_placeholder":true,"num":01}"#,
            #"{"_placeholder":true,"num":-1}"#,
            #"{"_placeholder":true,"num":1.0}"#, #"{"_placeholder":true,"num":1e0}"#,
            #"{"_placeholder":true,"num":}"#,
            #"{"_placeholder":true,"num":0,"x":1}"#, #"{"_placeholder":true,"num":0,"num":1}"#,
            #"{"_placeholder":false,"num":0}"#, #"{"num":0,"_placeholder":true}"#,
            #"{ "_placeholder" : true , "num" : 1 }"#,
            #"{"_placeholder":true,"num":0"#, #"{"_placeholder":true,"num":"#,
            #"{"_placeholder":true,"num":1"#,
            #"{"_placeholder":true,"num":12"#, #"{"_placeholder":true,"num":0}}"#,
            #"{"_\u0070laceholder":true,"num":0}"#,
        ], [0, 1, 2, 63, 64, 65, 100, 101])
    func withAttachments(arguments: String, count: Int) {
        let written = arguments.replacing(#/P(\d+)/#) { #"{"_placeholder":true,"num":\#($0.1)}"# }
        let attachments = (0..<count).map { [UInt8($0)] }
        for text in [
            #"["a",\#(written)]"#, #"["a",\#(written)"#, #"[\#(written)]"#, #" ["a" ,\#(written)]x"#,
        ] {
            for depth in [0, 1, 2, 3, 128] {
                let (one, two) = (
                    inOnePass(text, depth: depth, attachments), inTwoPasses(text, depth: depth, attachments)
                )
                #expect(
                    one == two || (one.error != nil && two.error != nil), "\(text) \(depth): \(one) \(two)")
            }
        }
    }

    @Test("bytes of a placeholder are data, or a value; for other types it is an object, or no fit")
    func typesOfAttachments() throws {
        let bytes = Array(#"["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#.utf8)
        var range = JSONStringRange(contents: 0..<0, hasEscapes: false)
        let cursor = try JSONArrayCursor(event: bytes.span, name: &range, attachments: [[1], [2, 3]])
        var data = cursor
        #expect(try data.next(Data.self, in: bytes.span) == Data([2, 3]) && data.position == 2)
        #expect(try data.next(Data?.self, in: bytes.span) == Data([1]) && data.isAtEnd)
        #expect(try data.next(Data?.self, in: bytes.span) == nil)
        var other = cursor
        #expect(throws: DecodingError.self) { try other.next(String.self, in: bytes.span) }
        #expect(other.position == 1)
        var none = try JSONArrayCursor(event: bytes.span, name: &range)
        #expect(throws: DecodingError.self) { try none.next(Data.self, in: bytes.span) }
        #expect(try none.next(JSONValue.self, in: bytes.span) == ["_placeholder": true, "num": 1])
    }

    @Test(
        "with other bytes than it was made with, a cursor with attachments gives errors or values but never traps"
    )
    func otherBytes() throws {
        let bytes = Array(#"["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#.utf8)
        var range = JSONStringRange(contents: 0..<0, hasEscapes: false)
        let cursor = try JSONArrayCursor(event: bytes.span, name: &range, attachments: [[1], [2, 3]])
        for count in 0...bytes.count {
            for change in [UInt8(ascii: "}"), UInt8(ascii: "9"), 0x20, 0xFF] {
                var (other, copy) = (Array(bytes.prefix(count)), cursor)
                if count > 0 { other[count - 1] = change }
                for _ in 0..<3 { _ = try? copy.next(Data.self, in: other.span) }
            }
        }
    }
}
