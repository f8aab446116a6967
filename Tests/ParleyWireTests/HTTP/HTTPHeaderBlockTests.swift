import HTTPTypes
import ParleyWire
import Testing

@Suite("Header blocks")
struct HTTPHeaderBlockTests {
    private func block(_ fields: [(String, String)]) -> HTTPHeaderBlock {
        var block = HTTPHeaderBlock()
        for (name, value) in fields {
            block.append(name: Array(name.utf8).span, value: Array(value.utf8).span)
        }
        return block
    }

    @Test("fields keep their order, names come back in lower case")
    func order() {
        let block = block([("B", "1"), ("a-B", "2"), ("b", "")])
        #expect(block.map(\.name) == ["b", "a-b", "b"] && block.map(\.value) == ["1", "2", ""])
        #expect(block.first("b") == "1" && block.first("c") == nil)
        #expect(block.count(of: "b") == 2 && block.count(of: "c") == 0 && block.count == 3)
        #expect(block.index(of: "b", from: 1) == 2 && block.index(of: "b", from: 3) == nil)
        #expect(block.index(of: "b", from: 9) == nil)
    }

    @Test("the first value of a name begins with a text, whatever the case of its letters")
    func beginning() {
        let block = block([
            ("Content-Type", "Text/Plain; charset=utf-8"), ("content-type", "image/png"), ("a", "te"),
        ])
        #expect(block.value(of: "content-type", beginsWith: "text/plain"))
        #expect(!block.value(of: "content-type", beginsWith: "image/"))
        #expect(!block.value(of: "a", beginsWith: "text") && !block.value(of: "b", beginsWith: "text"))
    }

    @Test("RFC 9110 5.6.1: members of lists over all lines of a name, without regard to case")
    func members() {
        let block = block([
            ("Connection", "keep-alive, ,UPGRADE\t"), ("connection", "x"), ("upgrade", "closed"),
        ])
        #expect(block.contains("connection", token: "upgrade") && block.contains("connection", token: "x"))
        #expect(block.contains("connection", token: "keep-alive"))
        #expect(!block.contains("connection", token: "keep") && !block.contains("upgrade", token: "close"))
        #expect(!block.contains("via", token: "x"))
    }

    @Test("what isn't UTF-8 becomes U+FFFD in strings, and stays as it is in HTTPFields")
    func bytes() {
        var block = HTTPHeaderBlock()
        block.append(name: Array("X".utf8).span, value: ([0x61, 0xFF] as [UInt8]).span)
        #expect(block.first("x") == "a\u{FFFD}")
        #expect(block.httpFields.first?.withUnsafeBytesOfValue { Array($0) } == [0x61, 0xFF])
    }

    @Test("HTTPFields have the same fields")
    func fields() {
        let fields = block([("Accept", "a"), ("set-cookie", "b"), ("Accept", "c")]).httpFields
        #expect(fields[values: .accept] == ["a", "c"] && fields[.setCookie] == "b")
    }

    @Test("blocks are equal when names and values are")
    func equality() {
        #expect(block([("A", "b")]) == block([("a", "b")]))
        #expect(block([("A", "b")]) != block([("a", "B")]))
        #expect(block([]) != block([("a", "B")]))
    }
}
