import HTTPTypes
import Testing

@testable import ParleyHTTP

/// What applications register, by name: a compiler that gives up at one of these is a fault here too.
@Suite("Handlers and middleware by their names")
struct HandlerShapeTests {
    private struct User: Encodable, Sendable { var name: String }

    private struct Controller: Sendable {
        let name: String

        func show(_ request: Request) async throws -> String { name }
        func plain(_ request: Request) throws -> Response { .text(name) }
        static func index(_ request: Request) async throws -> String { "index" }
        static func user(_ request: Request) async throws -> User? { User(name: "ada") }
        static func answer(_ request: Request) throws -> Answer { .later(rest) }
        static func rest() async throws -> Response { .text("later") }
        static func fail(_ request: Request) async throws -> Response { throw HTTPError(.gone) }
        static func mark(_ request: Request, _ next: Next) async throws -> Response {
            var response = try await next(request)
            response.headers[.server] = "static"
            return response
        }
        func markToo(_ request: Request, _ next: Next) async throws -> Response {
            var response = try await next(request)
            response.headers[.via] = name
            return response
        }
        static func verify(_ token: String) async throws -> Name? {
            token == "good" ? Name(value: "ada") : nil
        }
        static func page(_ page: ErrorPage, _ request: Request) async throws -> Response? { .text("page") }
    }

    private struct Name: Sendable { var value: String }

    @Test("methods and static functions are routes, middleware, verifiers and error pages")
    func byName() async throws {
        let controller = Controller(name: "one")
        let client = try MemoryClient { app in
            app.use(Controller.mark)
            app.use(controller.markToo)
            app.use(ErrorPages(renderer: Controller.page))
            app.get("/show", controller.show)
            app.get("/plain", controller.plain)
            app.get("/index", Controller.index)
            app.on(.put, "/index", Controller.index)
            app.get("/user", Controller.user)
            app.get.answering("/answer", Controller.answer)
            app.get("/fail", Controller.fail)
            let group = app.group("/group")
            group.get(Controller.index)
            group.post(controller.show)
            group.put(controller.plain)
            group.patch(Controller.user)
            group.delete.answering(Controller.answer)
            app.group("/closed").use(BearerAuth(verify: Controller.verify)).get("/", Controller.index)
        }
        for (target, content) in [
            ("/show", "one"), ("/plain", "one"), ("/index", "index"), ("/user", #"{"name":"ada"}"#),
            ("/answer", "later"),
            ("/fail", "page"),
        ] {
            let response = await client.respond(.get, target)
            #expect(response.body.wholeBytes.map { String(decoding: $0, as: UTF8.self) } == content)
            #expect(response.headers[.server] == "static" && response.headers[.via] == "one")
        }
        #expect(await client.ask(.put, "/index") == "200 index")
        #expect(await client.ask(.get, "/group") == "200 index")
        #expect(await client.ask(.post, "/group") == "200 one")
        #expect(await client.ask(.put, "/group") == "200 one")
        #expect(await client.ask(.patch, "/group") == #"200 {"name":"ada"}"#)
        #expect(await client.ask(.delete, "/group") == "200 later")
        #expect(await client.respond(.get, "/closed/").status == .unauthorized)
        #expect(await client.ask(.get, "/closed/", headers: [.authorization: "Bearer good"]) == "200 index")
    }
}
