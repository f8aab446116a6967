import Foundation
import HTTPTypes
import Logging
import ParleyTransport
import Testing

@testable import ParleyHTTP

/// Serves an application on a port of the loopback interface while the body runs.
func withServer(
    loops: Int = 1, configure: (inout ServerConfiguration) -> Void = { _ in },
    routes: (Application) -> Void, _ body: (RunningServer) async throws -> Void
) async throws {
    var configuration = ServerConfiguration()
    configuration.loopCount = loops
    // Long, as a machine that does other things too may be slow; tests of times set their own.
    configuration.headerTimeout = .seconds(60)
    configure(&configuration)
    let application = Application(configuration: configuration, logger: .silent)
    routes(application)
    let server = try await application.start(port: 0)
    do {
        try await body(server)
    } catch {
        await server.shutdown(deadline: .zero)
        throw error
    }
    await server.shutdown(deadline: .zero)
}

/// Sends the text on a new connection and returns all that came until the server closed it.
func exchange(_ server: RunningServer, _ text: String) async throws -> String {
    let client = try RawClient(port: server.port)
    try await client.send(text)
    return try await client.readToEnd()
}

extension Logger {
    /// Says nothing.
    static let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
}

extension String {
    /// The content behind a response's head.
    var content: String { range(of: "\r\n\r\n").map { String(self[$0.upperBound...]) } ?? "" }

    /// How often the text occurs in this one.
    func count(of text: String) -> Int { components(separatedBy: text).count - 1 }
}

extension Response {
    /// The body of a response that is whole.
    var text: String {
        guard let bytes = body.wholeBytes else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// An error that is no HTTP response.
struct Failure: Error {
    var secret = "hunter2"
}

/// Answers requests in memory.
struct InMemory {
    let application: Application
    let group: EventLoopGroup

    init(logger: Logger = .silent, _ routes: (Application) -> Void) throws {
        application = Application(logger: logger)
        routes(application)
        group = try EventLoopGroup(count: 1)
    }

    func respond(
        _ method: String, _ target: String, _ headers: HTTPFields = [:], body: [UInt8] = [],
        authority: String = "localhost", from address: String? = nil, isSecure: Bool = false
    ) async throws -> Response {
        let method = try #require(HTTPRequest.Method(method))
        let request = Request(
            method: method, target: target, authority: authority, headers: headers, body: body,
            loop: group.loops[0], remoteAddress: address.flatMap { SocketAddress(host: $0, port: 9) },
            isSecure: isSecure)
        return await application.respond(to: request)
    }

    /// Status and content.
    func answer(_ method: String, _ target: String) async throws -> String {
        let response = try await respond(method, target)
        guard let bytes = response.body.wholeBytes else { return "\(response.status.code)" }
        return "\(response.status.code) \(String(decoding: bytes, as: UTF8.self))"
    }
}
