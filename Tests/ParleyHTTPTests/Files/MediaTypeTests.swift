import Testing

@testable import ParleyHTTP

@Suite struct MediaTypeTests {
    @Test(arguments: [
        ("index.html", "text/html; charset=utf-8"), ("APP.JS", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"), ("a.css", "text/css; charset=utf-8"),
        ("a.svg", "image/svg+xml; charset=utf-8"), ("data.json", "application/json"),
        ("m.wasm", "application/wasm"),
        ("a.tar.gz", "application/gzip"), ("a.woff2", "font/woff2"), ("noextension", MediaType.unknown),
        (".bashrc", MediaType.unknown), ("a.", MediaType.unknown), ("", MediaType.unknown),
        ("a.unheardof", MediaType.unknown), ("html", MediaType.unknown), ("a.html\u{301}", MediaType.unknown),
    ])
    func `The extension decides, whatever its case`(name: String, type: String) {
        #expect(MediaType.ofFile(named: name) == type)
    }

    @Test func `Types of the options go before the table`() {
        #expect(
            MediaType.ofFile(named: "a.TS", overrides: ["ts": "text/x-typescript"]) == "text/x-typescript")
        #expect(
            MediaType.ofFile(named: "a.js", overrides: ["ts": "text/x-typescript"]).hasPrefix(
                "text/javascript"))
    }

    @Test func `The table has the common types, each a type and a subtype`() {
        #expect(MediaType.table.count >= 100)
        for (key, type) in MediaType.table {
            #expect(key == key.lowercased() && type.split(separator: "/").count == 2)
        }
    }
}
