import ParleyWire
import Testing

@Suite("Engine.IO payloads in scripts and forms")
struct EngineIOJSONPTests {
    private func script(_ payload: String, index: Int = 0) -> String {
        let bytes = Array(payload.utf8)
        var output: [UInt8] = []
        EngineIOJSONP.append(payload: bytes.span, index: index, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    private func payload(_ form: String) -> String? {
        let bytes = Array(form.utf8)
        return EngineIOJSONP.payload(ofForm: bytes.span).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("the payload is a string literal in a call of the client's function")
    func call() {
        #expect(script("6:4hello", index: 12) == #"___eio[12]("6:4hello");"#)
        #expect(script("") == #"___eio[0]("");"#)
    }

    @Test("nothing in a payload ends the literal, the line or the script")
    func escapes() {
        #expect(script(#"4["a\"]"#) == #"___eio[0]("4[\"a\\\"]");"#)
        #expect(script("\u{2028}\u{2029}\u{2027}é🎉") == "___eio[0](\"\\u2028\\u2029\u{2027}é🎉\");")
        #expect(script("</script><!--") == #"___eio[0]("\u003c/script>\u003c!--");"#)
        #expect(script("\n\r\t\0\u{1E}\u{7F}") == #"___eio[0]("\n\r\u0009\u0000\u001e\u007f");"#)
    }

    @Test(
        "a form's field d is the payload",
        arguments: [
            ("d=6%3A4hello", "6:4hello"), ("x=1&d=a+b&d=c", "a b"), ("d=", ""),
            ("d=%C3%A9%f0%9f%8e%89", "é🎉"),
            ("d=a%2Bb%26c%3Dd", "a+b&c=d"),
        ])
    func form(_ form: String, _ expected: String) {
        #expect(payload(form) == expected)
    }

    @Test(
        "a form without one is none, and neither is a malformed escape",
        arguments: ["", "x=1", "d", "dd=1", "d=%", "d=%4", "d=%zz", "d=%+1"])
    func noPayload(_ form: String) {
        #expect(payload(form) == nil)
    }

    @Test("line feeds and written \\n come back as they were before the client escaped them")
    func newlines() {
        // The client writes a line feed as \n, and \n as \\n.
        #expect(payload(#"d=a%5Cnb"#) == "a\nb")
        #expect(payload(#"d=a%5C%5Cnb"#) == #"a\nb"#)
        #expect(payload(#"d=a%5C%5C%5Cnb"#) == #"a\\nb"#)
        #expect(payload(#"d=%5C%5Ct%5Cn%5Cnn"#) == #"\\t"# + "\n\nn")
    }
}
