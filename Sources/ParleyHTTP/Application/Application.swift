public import Logging
import ParleyTransport

/// A web application: routes, groups and middleware, and the server that answers with them.
///
/// ```swift
/// let app = Application()
/// app.use(AccessLog())
/// app.get("/hello/:name") { request in "Hello, \(request.parameters["name"] ?? "")!" }
/// try await app.run(port: 8080)
/// ```
///
/// Register everything before ``run(host:port:)``, ``start(host:port:)`` or ``respond(to:)`` is called.
public final class Application: RouteBuilder {
    /// The limits and times.
    public let configuration: ServerConfiguration
    /// Where the server and its handlers' failures are logged.
    public let logger: Logger
    /// The scope of all routes.
    public let scope: RouteScope

    /// Creates an application without routes.
    public init(
        configuration: ServerConfiguration = ServerConfiguration(), logger: Logger = Logger(label: "parley")
    ) {
        self.configuration = configuration
        self.logger = logger
        scope = RouteScope(prefix: "", hooks: ShutdownHooks())
    }

    /// Answers a request in memory, without a server. The routes are compiled anew at each call.
    package func respond(to request: Request) async -> Response {
        await Responder(scope: scope, logger: logger).respond(to: request)
    }
}
