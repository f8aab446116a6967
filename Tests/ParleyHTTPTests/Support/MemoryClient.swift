import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

/// Asks an application in memory, with fields and content, and keeps its cookies as a browser does.
final class MemoryClient {
    let application: Application
    private let group: EventLoopGroup
    /// The cookies by their names.
    var cookies: [String: String] = [:]
    var isSecure = false

    init(_ routes: (Application) -> Void) throws {
        application = Application(logger: .silent)
        routes(application)
        group = try EventLoopGroup(count: 1)
    }

    nonisolated(nonsending) func respond(
        _ method: HTTPRequest.Method = .get, _ target: String, type: String? = nil, headers: HTTPFields = [:],
        body: String = ""
    ) async -> Response {
        var headers = headers
        if let type { headers[.contentType] = type }
        if !cookies.isEmpty {
            headers[.cookie] = cookies.map { "\($0)=\($1)" }.sorted().joined(separator: "; ")
        }
        let request = Request(
            method: method, target: target, headers: headers, body: Array(body.utf8), loop: group.loops[0],
            isSecure: isSecure)
        let response = await application.respond(to: request)
        response.headers[values: .setCookie].forEach(take)
        return response
    }

    /// Status and content.
    nonisolated(nonsending) func ask(
        _ method: HTTPRequest.Method = .get, _ target: String, type: String? = nil, headers: HTTPFields = [:],
        body: String = ""
    ) async -> String {
        let response = await respond(method, target, type: type, headers: headers, body: body)
        guard let bytes = response.body.wholeBytes else { return "\(response.status.code)" }
        return "\(response.status.code) \(String(decoding: bytes, as: UTF8.self))"
    }

    private func take(_ field: String) {
        let pair = field.prefix { $0 != ";" }.split(
            separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard pair.count == 2 else { return }
        cookies[String(pair[0])] = field.contains("; Max-Age=0") ? nil : String(pair[1])
    }
}
