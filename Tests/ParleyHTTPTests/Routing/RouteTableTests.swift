import HTTPTypes
import Testing

@testable import ParleyHTTP

@Suite("Routes: which handler answers a path (H11, H12)")
struct RouteTableTests {
    private func table(_ patterns: String...) -> RouteTable {
        var table = RouteTable()
        for text in patterns { add(text, .get, to: &table) }
        return table
    }

    private func add(_ text: String, _ method: HTTPRequest.Method?, to table: inout RouteTable) {
        let pattern = RoutePattern(text)
        let endpoint = RouteEndpoint(
            handler: .synchronous { _ in .text(text) }, middleware: [], pattern: text,
            parameterNames: pattern.parameterNames)
        table.add(pattern, method: method, endpoint: endpoint)
    }

    /// The names and values that were captured; nil when there is no route.
    private func captured(_ table: RouteTable, _ path: String) -> [String: String]? {
        guard case .found(_, let parameters) = table.match(.get, path) else {
            return nil
        }
        return Dictionary(uniqueKeysWithValues: zip(parameters.names, parameters.values))
    }

    @Test("each of many literal paths has its own endpoint, by method, and a path that is none has none")
    func manyLiterals() {
        var table = RouteTable()
        for number in 0..<1000 { add("/items/\(number)", .get, to: &table) }
        for number in 0..<1000 { add("/items/\(number)", .post, to: &table) }
        for number in 0..<1000 {
            let path = "/items/\(number)"
            guard case .found(let get, _) = table.match(.get, path),
                case .found(let post, _) = table.match(.post, path)
            else { return #expect(Bool(false), "no route: \(path)") }
            #expect(get.pattern == path && post.pattern == path && get !== post)
        }
        guard case .none = table.match(.get, "/items/1000") else {
            return #expect(Bool(false))
        }
    }

    @Test("a literal goes before a parameter, a parameter before a wildcard, a wildcard before the rest")
    func priority() async throws {
        let memory = try InMemory { app in
            app.get("/a/**") { _ in "rest" }
            app.get("/a/*") { _ in "wildcard" }
            app.get("/a/:x/c") { _ in "parameter" }
            app.get("/a/b") { _ in "literal" }
        }
        #expect(try await memory.answer("GET", "/a/b") == "200 literal")
        #expect(try await memory.answer("GET", "/a/x") == "200 wildcard")
        #expect(try await memory.answer("GET", "/a/b/c") == "200 parameter")
        #expect(try await memory.answer("GET", "/a/b/d") == "200 rest")
    }

    @Test("a branch that ends without a route is left again")
    func backtracking() {
        let routes = table("/a/b/c", "/a/:x/d", "/:y/b/e")
        #expect(captured(routes, "/a/b/d") == ["x": "b"])
        #expect(captured(routes, "/a/b/e") == ["y": "a"])
        #expect(captured(routes, "/a/b/f") == nil)
    }

    @Test("a branch whose route has another method is left for one that has the method")
    func backtrackingForMethods() async throws {
        let memory = try InMemory { app in
            app.post("/users/new") { _ in "created" }
            app.get("/users/:id") { request in request.parameters["id"] }
        }
        #expect(try await memory.answer("GET", "/users/new") == "200 new")
        #expect(try await memory.answer("POST", "/users/new") == "200 created")
    }

    @Test("segments are decoded once, each for itself")
    func decoding() {
        let routes = table("/files/:name", "/caf\u{E9}", "/rest/**")
        #expect(captured(routes, "/files/a%20b") == ["name": "a b"])
        #expect(captured(routes, "/files/a%2Fb") == ["name": "a/b"])
        #expect(captured(routes, "/files/%2541") == ["name": "%41"])
        #expect(captured(routes, "/files/100%") == ["name": "100%"])
        #expect(captured(routes, "/caf%C3%A9") == [:])
        #expect(captured(routes, "/%66iles/x") == ["name": "x"])
        #expect(captured(routes, "/rest/a%20b/c%2fd/") == ["**": "a b/c%2Fd/"])
    }

    @Test("a pattern with a percent sign is compared with the decoded segment")
    func percentInPattern() {
        #expect(captured(table("/a%41"), "/a%41") == nil)
        #expect(captured(table("/a%41"), "/a%2541") == [:])
    }

    @Test("a trailing slash counts, and placeholders match no empty segment but `**` does")
    func slashes() {
        let routes = table("/a", "/b/", "/c/:x", "/d/*", "/e/**", "/socket.io", "/socket.io/")
        #expect(captured(routes, "/a") != nil)
        #expect(captured(routes, "/a/") == nil)
        #expect(captured(routes, "/b/") != nil)
        #expect(captured(routes, "/b") == nil)
        #expect(captured(routes, "/c/") == nil)
        #expect(captured(routes, "/d/") == nil)
        #expect(captured(routes, "/e/") == ["**": ""])
        #expect(captured(routes, "/e") == nil)
        #expect(captured(routes, "/socket.io") != nil)
        #expect(captured(routes, "/socket.io/") != nil)
        #expect(captured(routes, "//a") == nil)
    }

    @Test("the rest at the root is everything, the root included")
    func restAtRoot() {
        let routes = table("/**")
        #expect(captured(routes, "/") == ["**": ""])
        #expect(captured(routes, "/a/b.html") == ["**": "a/b.html"])
    }

    @Test("many placeholders in a long path are searched in no time")
    func noExplosion() {
        var routes = RouteTable()
        for depth in 1...12 { add(String(repeating: "/:a", count: depth) + "/x", .get, to: &routes) }
        #expect(captured(routes, String(repeating: "/x", count: 4000)) == nil)
    }

    @Test("of two handlers for the same method and pattern the later one counts")
    func replacement() async throws {
        let memory = try InMemory { app in
            app.get("/a") { _ in "first" }
            app.get("/a") { _ in "second" }
        }
        #expect(try await memory.answer("GET", "/a") == "200 second")
    }

    @Test("a handler for every method leaves those alone that have their own")
    func anyMethod() async throws {
        let memory = try InMemory { app in
            app.route("/a") { request in "any \(request.method)" }
            app.get("/a") { _ in "get" }
        }
        #expect(try await memory.answer("GET", "/a") == "200 get")
        #expect(try await memory.answer("PUT", "/a") == "200 any PUT")
        #expect(try await memory.answer("OPTIONS", "/a") == "200 any OPTIONS")
    }
}

extension RouteTable {
    fileprivate func match(_ method: HTTPRequest.Method, _ path: String) -> Match {
        match(method: method, target: path, pathLength: path.utf8.count)
    }
}
