import HTTPTypes
import Parley

/// What browsers and other clients meet middleware with.
extension Routes {
    func serveMiddleware(on application: Application) {
        serveCrossOrigin(on: application)
        servePages(on: application)
        serveGuarded(on: application)
        let limited = application.group("/limited").use(
            RateLimit(2, per: .seconds(3600)) { _ in "everybody" })
        limited.get("/hello") { _ in "hello" }
        let timed = application.group("/timed").use(Timeout(.milliseconds(100)))
        timed.get("/slow") { _ in
            try await Task.sleep(for: .seconds(60))
            return "slow"
        }
        let sized = application.group("/sized").use(BodyLimit(1000))
        sized.post("/upload") { request in "\(try await request.body.collect(upTo: 1 << 20).count)" }
    }

    private func serveCrossOrigin(on application: Application) {
        let open = application.group("/cors").use(
            CORS(.allow(["http://localhost:*"], credentials: true), exposedHeaders: [.eTag]))
        let closed = open.group("/closed").use(BasicAuth(users: ["ada": "secret"]))
        closed.put("/item") { request in
            var response = Response.text(request[BasicUser.self]?.name ?? "")
            response.headers[.eTag] = "\"1\""
            return response
        }
        open.get("/fails") { _ -> String in throw CancellationError() }
    }

    private func servePages(on application: Application) {
        var headers = SecurityHeaders()
        headers.contentSecurityPolicy = "default-src 'none'; script-src 'nonce-{nonce}'"
        let pages = application.group("/pages").use(ErrorPages(), RequestID(trustsClient: true), headers)
        pages.get("/scripts") { request in
            let nonce = request.contentSecurityPolicyNonce ?? ""
            return Response.text(
                """
                <!doctype html><title>scripts</title>
                <script nonce="\(nonce)">window.ran = ["trusted"]</script>
                <script>window.ran.push("injected")</script>
                """, type: "text/html; charset=utf-8")
        }
        pages.get("/fails") { _ -> String in throw HTTPError(.conflict, "<script>alert(1)</script>") }
    }

    private func serveGuarded(on application: Application) {
        let basic = application.group("/basic").use(BasicAuth(users: ["ada": "s\u{e9}cret:1"]))
        basic.get("/name") { request in try request.require(BasicUser.self).name }
        let bearer = application.group("/bearer").use(
            BearerAuth(from: [.header, .query("token")]) { $0 == "good" ? User(name: "ada") : nil })
        bearer.get("/name") { request in try request.require(User.self).name }
        bearer.webSocket("/socket") { socket in
            try await socket.send(socket.request.require(User.self).name)
        }
    }
}
