import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("Requests: target, query, fields")
struct RequestTests {
    private let group: EventLoopGroup

    init() throws { group = try EventLoopGroup(count: 1) }

    private func request(_ target: String, _ headers: HTTPFields = [:]) -> Request {
        Request(target: target, headers: headers, loop: group.loops[0])
    }

    @Test("the path is decoded once, the raw path not at all")
    func path() {
        let request = request("/a%20b/%2541?x=1?y")
        #expect(request.path == "/a b/%41")
        #expect(request.rawPath == "/a%20b/%2541")
        #expect(request.query == "x=1?y")
        #expect(self.request("/a").query == nil)
        #expect(self.request("/a?").query == "")
        #expect(self.request("/%ff").path == "/\u{FFFD}")
    }

    @Test("query items are decoded, `+` is a space, and the first of a name counts")
    func query() {
        let request = request("/?name=a+b&name=c&empty=&flag&&caf%C3%A9=%26&broken=%zz")
        #expect(request.query("name") == "a b")
        #expect(request.query("empty") == "")
        #expect(request.query("flag") == "")
        #expect(request.query("caf\u{E9}") == "&")
        #expect(request.query("broken") == "%zz")
        #expect(request.query("missing") == nil)
        #expect(request.queryItems.map(\.name) == ["name", "name", "empty", "flag", "caf\u{E9}", "broken"])
        #expect(self.request("/").query("name") == nil)
    }

    @Test("a scanned query names its items as a decoded one does")
    func scannedQuery() {
        let target = "/p?EIO=4&%45IO=%34&EI+O=4&sid=a%2Bb&=x&flag&t="
        let (bytes, request) = (target.utf8.span, request(target))
        var scanner = QueryScanner(from: request.queryStart)
        var items: [QueryItems.Item] = []
        var named = 0
        while let item = scanner.next(bytes) {
            items.append(QueryItems.Item(name: item.name(in: bytes), value: item.value(in: bytes)))
            if item.isNamed("EIO", in: bytes), item.hasValue("4", in: bytes) { named += 1 }
        }
        #expect(named == 2)
        #expect(items == Array(request.queryItems))
        #expect(items.map(\.name) == ["EIO", "EIO", "EI O", "sid", "", "flag", "t"])
        #expect(items.map(\.value) == ["4", "4", "4", "a+b", "x", "", ""])
        var none = QueryScanner(from: 3)
        #expect(none.next("/p".utf8.span) == nil)
    }

    @Test("fields are found whatever the case of their names, and several are joined")
    func fields() throws {
        var headers: HTTPFields = [:]
        headers.append(HTTPField(name: .accept, value: "a"))
        headers.append(HTTPField(name: .accept, value: "b"))
        headers.append(HTTPField(name: .cookie, value: "x=1"))
        headers.append(HTTPField(name: .cookie, value: "y=2"))
        let request = request("/", headers)
        #expect(request.header(.accept) == "a, b")
        #expect(request.header(try #require(HTTPField.Name("ACCEPT"))) == "a, b")
        #expect(request.header(.cookie) == "x=1; y=2")
        #expect(request.header(.contentType) == nil)
        #expect(request.headers[.accept] == "a, b")
    }

    @Test("storage is a value: what a copy stores, the original doesn't see")
    func storage() {
        let original = request("/")
        var copy = original
        copy[Int.self] = 7
        #expect(copy[Int.self] == 7)
        #expect(original[Int.self] == nil)
    }
}
