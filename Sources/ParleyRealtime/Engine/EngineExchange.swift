import HTTPTypes
import ParleyHTTP

/// A request at an Engine.IO server, and what every answer to it gets: compression, the fields of hooks and of its origin, and
/// for what is thrown the refusal that clients know.
struct EngineExchange: Sendable {
    let server: EngineServer
    let request: Request
    let origin: OriginPolicy.Decision
    /// Whether it begins a session.
    var isInitial = false

    /// Finishes an answer. One that somebody else gives is finished by then.
    func conclude(_ answer: Answer) -> Answer {
        switch answer {
        case .now(let response): .now(conclude(response))
        case .later(let rest): .later { try await conclude(rest) }
        case .pending: answer
        }
    }

    private nonisolated(nonsending) func conclude(_ rest: Answer.Rest) async throws -> Response {
        do {
            return conclude(try await rest())
        } catch {
            return try refuse(error)
        }
    }

    /// Finishes a response.
    func conclude(_ response: Response) -> Response {
        var response = server.compressed(response, for: request)
        if server.hooks.apply(to: &response.headers, of: request, isInitial: isInitial) {
            response.headers.forbidStoring()
        }
        if origin != .local { origin.apply(to: &response.headers) }
        return response
    }

    /// The answer to an error; those that are none of a client's business are the HTTP server's to answer.
    func refuse(_ error: any Error) throws -> Response {
        switch error {
        case let refusal as EngineRefusal: return refuse(refusal)
        case let error as HTTPError:
            server.logger.debug(
                "an Engine.IO request is refused", metadata: ["error": "\(error.message)"])
            var response = Response.text(error.message, status: error.status)
            response.headers.forbidStoring()
            origin.apply(to: &response.headers)
            return response
        default: throw error
        }
    }

    /// The answer to a refusal. The hooks that change fields have no say in it.
    func refuse(_ refusal: EngineRefusal) -> Response {
        server.hooks.report(refusal, request)
        var response = refusal.response
        if origin != .local { origin.apply(to: &response.headers) }
        return response
    }
}

extension HTTPFields {
    /// The fields of an answer of this type: not to be stored, and another one for each origin.
    init(engineAnswerOf type: String) {
        self = [.contentType: type]
        forbidStoring()
    }

    mutating func forbidStoring() {
        self[.cacheControl] = "no-store"
        addVary(.origin)
    }
}
