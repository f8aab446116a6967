import HTTPTypes
import Testing

@testable import ParleyHTTP
@testable import ParleyRealtime

@Suite("Polling by scripts and forms (JSONP)")
struct EngineJSONPTests {
    private func call(
        _ realtime: Realtime, _ query: String, headers: HTTPFields = [:], form: String? = nil
    ) async throws -> Response {
        try await realtime.respond(
            to: Request(
                method: form == nil ? .get : .post, target: "/socket.io/?transport=polling&\(query)",
                headers: headers, body: Array((form ?? "").utf8), loop: testLoop))
    }

    private func text(_ response: Response) -> String {
        guard let bytes = response.body.wholeBytes else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("scripts and forms of both revisions", arguments: [3, 4])
    func session(_ revision: Int) async throws {
        let realtime = EngineIO3Client.server()
        realtime.root.on("echo") { (socket, text: String) in _ = socket.emit("echo", text) }
        let opening = try await call(realtime, "EIO=\(revision)&j=5")
        #expect(opening.headers[.contentType] == "text/javascript; charset=UTF-8")
        #expect(opening.headers[.xContentTypeOptions] == "nosniff")
        #expect(opening.headers[HTTPField.Name("X-XSS-Protection")!] == "0")
        let sid = try #require(
            text(opening).firstMatch(of: /^___eio\[5\]\(".*\\"sid\\":\\"([\w-]+)\\".*"\);$/)?.1)
        let query = "EIO=\(revision)&j=5&sid=\(sid)"
        let event = #"42["echo","a</script>\#u{2028}"]"#
        let packets =
            revision == 3 ? "\(event.utf16.count):\(event)" : "40\u{1E}\(event)"
        let form = "d=" + packets.utf8.map { "%" + String(Int($0) | 0x100, radix: 16).suffix(2) }.joined()
        let posted = try await call(
            realtime, query, headers: [.contentType: "application/x-www-form-urlencoded"], form: form)
        #expect(posted.status == .ok && posted.headers[HTTPField.Name("X-XSS-Protection")!] == "0")
        let script = text(try await call(realtime, query))
        #expect(script.contains(#"[\"echo\",\"a\u003c/script>\u2028\"]"#))
        #expect(script.contains(revision == 3 ? #"("2:4024:42["# : #"("40{"#))
    }

    @Test("it is refused unless it is allowed", arguments: ["EIO=4&j=0"])
    func offByDefault(_ query: String) async throws {
        #expect(try await call(Realtime(), query).status == .badRequest)
    }

    @Test(
        "an index that is not digits is refused",
        arguments: ["", "a", "-1", "+1", "1.5", "0x1", "1);alert(1", "%31%20", "1234567890123456", "1&j=2"])
    func index(_ index: String) async throws {
        #expect(try await call(EngineIO3Client.server(), "EIO=3&j=\(index)").status == .badRequest)
    }

    @Test("a form without a payload ends the session", arguments: ["", "x=1", "d=%zz", "d="])
    func malformed(_ form: String) async throws {
        let realtime = EngineIO3Client.server()
        let client = try await EngineIO3Client(realtime, query: "&j=0")
        #expect(try await client.post(Array(form.utf8)) == 400)
        #expect(realtime.sessionCount == 0)
    }

    @Test("scripts of other sites are refused as their pages are, though browsers name no origin for them")
    func origins() async throws {
        let site = try #require(HTTPField.Name("Sec-Fetch-Site"))
        func status(_ policy: OriginPolicy, _ headers: HTTPFields) async throws -> Int {
            let realtime = EngineIO3Client.server { $0.engine.origins = policy }
            return try await call(realtime, "EIO=3&j=0", headers: headers).status.code
        }
        let friend: HTTPFields = [site: "cross-site", .referer: "https://good.example/page?x"]
        let stranger: HTTPFields = [site: "cross-site", .referer: "https://bad.example/"]
        #expect(try await status(.sameOrigin, [:]) == 200)
        #expect(
            try await status(.sameOrigin, [site: "same-origin", .referer: "http://localhost/page"]) == 200)
        #expect(try await status(.sameOrigin, [site: "cross-site"]) == 403)
        #expect(try await status(.sameOrigin, [site: "same-site"]) == 403)
        #expect(try await status(.sameOrigin, friend) == 403)
        #expect(try await status(.allow(["https://good.example"]), friend) == 200)
        #expect(try await status(.allow(["https://good.example"]), stranger) == 403)
        #expect(try await status(.any, stranger) == 200)
    }
}
