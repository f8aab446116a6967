import HTTPTypes
import Logging

/// Answers requests: the compiled routes, the application's middleware, and what becomes of errors. Immutable; every
/// loop and every version of HTTP uses the same one.
final class Responder: Sendable {
    private let table: RouteTable
    private let middleware: [any Middleware]
    private let notFound: RouteEndpoint
    let logger: Logger

    init(scope: RouteScope, logger: Logger) {
        var table = RouteTable()
        scope.compile(into: &table, logger: logger)
        self.table = table
        middleware = scope.middleware
        notFound = RouteEndpoint(
            handler: .synchronous { _ in throw HTTPError(.notFound) }, middleware: middleware, logger: logger)
        self.logger = logger
    }

    /// Finds what answers the request, and notes it on the request with its parameters. There is always something: middleware
    /// also sees requests that no route answers.
    func endpoint(for request: inout Request) -> RouteEndpoint {
        let endpoint = find(&request)
        request.endpoint = endpoint
        return endpoint
    }

    private func find(_ request: inout Request) -> RouteEndpoint {
        switch match(request, request.method) {
        case .found(let endpoint, let parameters):
            if !parameters.isEmpty { request.parameters = parameters }
            return endpoint
        case .otherMethods(let methods):
            return unmatched(request.method, allowed: methods, like: endpoint(preflightedBy: request))
        case .none:
            guard request.method == .options, request.target == "*" else { return notFound }
            return unmatched(.options, allowed: table.methods)
        }
    }

    private func match(_ request: Request, _ method: HTTPRequest.Method) -> RouteTable.Match {
        table.match(method: method, target: request.target, pathLength: request.context.pathLength)
    }

    /// What would answer the request that a preflight asks about: the middleware in front of it is to decide, such as a group's
    /// ``CORS``.
    private func endpoint(preflightedBy request: Request) -> RouteEndpoint? {
        guard request.method == .options, let name = request.header(.accessControlRequestMethod),
            let method = HTTPRequest.Method(name),
            case .found(let endpoint, _) = match(request, method)
        else { return nil }
        return endpoint
    }

    /// OPTIONS is answered with what is allowed, any other method with 405 (RFC 9110 9.3.7, 15.5.6).
    private func unmatched(
        _ method: HTTPRequest.Method, allowed: [String], like endpoint: RouteEndpoint? = nil
    ) -> RouteEndpoint {
        let methods = allowed.contains("OPTIONS") ? allowed : allowed + ["OPTIONS"]
        let allow: HTTPFields = [.allow: methods.joined(separator: ", ")]
        let isOptions = method == .options
        return RouteEndpoint(
            handler: .synchronous { _ in
                guard isOptions else { throw HTTPError(.methodNotAllowed, headers: allow) }
                return Response(status: .noContent, headers: allow)
            }, middleware: endpoint?.middleware ?? middleware, logger: logger, pattern: endpoint?.pattern)
    }

    /// The whole way of a request: routing, middleware, handler; an error becomes its response.
    nonisolated(nonsending) func respond(to request: Request) async -> Response {
        var request = request
        let endpoint = endpoint(for: &request)
        return await respond(to: request, by: endpoint)
    }

    /// Middleware and handler of an endpoint that was found; an error becomes its response.
    private nonisolated(nonsending) func respond(
        to request: Request, by endpoint: RouteEndpoint
    ) async -> Response {
        await response(to: request) { try await endpoint.respond(to: request) }
    }

    private nonisolated(nonsending) func response(
        to request: Request, _ work: nonisolated(nonsending) () async throws -> Response
    ) async -> Response {
        do {
            return try await work()
        } catch {
            return response(to: error, of: request)
        }
    }

    /// Makes a response, whatever happens.
    typealias Work = nonisolated(nonsending) @Sendable () async -> Response

    /// What an endpoint's answer needs: nothing any more, a task, or somebody who gives it.
    enum Outcome {
        case done(Response)
        case work(Work)
        case pending(PendingResponse)
    }

    /// Calls an endpoint, as far as that goes without a task: not through middleware.
    func call(_ endpoint: RouteEndpoint, with request: Request) -> Outcome {
        guard endpoint.middleware.isEmpty else {
            return .work { await self.respond(to: request, by: endpoint) }
        }
        do {
            switch endpoint.handler {
            case .synchronous(let handler): return .done(try handler(request))
            case .asynchronous: return .work { await self.respond(to: request, by: endpoint) }
            case .answering(let handler): return outcome(of: try handler(request), to: request)
            }
        } catch {
            return .done(response(to: error, of: request))
        }
    }

    private func outcome(of answer: Answer, to request: Request) -> Outcome {
        switch answer {
        case .now(let response): .done(response)
        case .later(let rest): .work { await self.response(to: request, rest) }
        case .pending(let pending): .pending(pending)
        }
    }

    /// The response that somebody gave, or that an error is.
    func response(_ result: Result<Response, any Error>, to request: Request) -> Response {
        switch result {
        case .success(let response): response
        case .failure(let error): response(to: error, of: request)
        }
    }

    private func response(to error: any Error, of request: Request) -> Response {
        request.answer(to: error).response
    }
}

extension Request {
    /// What an error that was thrown is answered with. What isn't an ``HTTPError`` is nobody else's business: it is logged,
    /// and the client is told of an internal error only. The fields that middleware gave to whatever error are added.
    func answer(to error: any Error) -> HTTPError {
        var answer = error as? HTTPError ?? HTTPError(.internalServerError)
        // A handler that was stopped because its client is gone has not failed.
        if !(error is HTTPError || error is CancellationError || error is RequestBodyError) {
            logger.error(
                "handler failed",
                metadata: [
                    "method": "\(method.rawValue)", "path": "\(rawPath)",
                    "error": "\(String(reflecting: error))",
                ])
        }
        answer.headers.complement(with: context.errorHeaders)
        return answer
    }
}

extension HTTPError {
    /// The response that the error is: its status and fields, and its message as text.
    var response: Response {
        var fields = headers
        if fields[.contentType] == nil { fields[.contentType] = "text/plain; charset=utf-8" }
        return Response(status: status, headers: fields, body: .bytes(Array(message.utf8)))
    }
}
