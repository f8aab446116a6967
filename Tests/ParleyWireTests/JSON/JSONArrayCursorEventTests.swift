import ParleyWire
import Testing

@Suite("An event's array, of which each byte is looked at once")
struct JSONArrayCursorEventTests {
    private struct Outcome: Equatable {
        var name: String?
        var arguments: [JSONValue] = []
        var error: JSONError.Rule?
    }

    private func inOnePass(_ text: String, depth: Int = 128) -> Outcome {
        let bytes = Array(text.utf8)
        var range = JSONStringRange(contents: 0..<0, hasEscapes: false)
        do {
            var cursor = try JSONArrayCursor(event: bytes.span, name: &range, maximumDepth: depth)
            return Outcome(name: range.string(in: bytes.span), arguments: try rest(&cursor, bytes))
        } catch let error as JSONError {
            return Outcome(error: error.rule)
        } catch {
            return Outcome()
        }
    }

    /// Validates first, then reads the name as any other element.
    private func inTwoPasses(_ text: String, depth: Int = 128) -> Outcome {
        let bytes = Array(text.utf8)
        do {
            var cursor = try JSONArrayCursor(validating: bytes.span, maximumDepth: depth)
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
        while !cursor.isAtEnd { values.append(try cursor.next(JSONValue.self, in: bytes.span)) }
        return values
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
}
