public import Logging

/// Logs one line for each request, at level `info`, when its response's head is known.
///
/// The metadata's keys: `method`, `version` (`HTTP/1.1`, `HTTP/2`), `upgrade` (the protocol that the request asks for, where it
/// does), `path` (as it was sent, without the query), `status`, `bytes` (the response's content, where its length is
/// known beforehand), `milliseconds` (to the response's head, not to its last byte), `remote`.
public struct AccessLog: Middleware {
    private let logger: Logger

    /// Creates the middleware. Use it first, so that it sees what the others answered.
    public init(logger: Logger = Logger(label: "parley.access")) {
        self.logger = logger
    }

    /// Passes the request on, and logs how it was answered, also when that was an error.
    public func respond(to request: Request, next: Next) async throws -> Response {
        let start = ContinuousClock.now
        do {
            let response = try await next(request)
            log(request, status: response.status.code, bytes: response.body.length, since: start)
            return response
        } catch {
            log(request, status: (error as? HTTPError)?.status.code ?? 500, bytes: nil, since: start)
            throw error
        }
    }

    private func log(_ request: Request, status: Int, bytes: UInt64?, since start: ContinuousClock.Instant) {
        guard logger.logLevel <= .info else { return }
        let elapsed = start.duration(to: .now)
        let milliseconds = Double(elapsed / .microseconds(1)) / 1000
        var metadata: Logger.Metadata = [
            "method": "\(request.method.rawValue)", "version": "\(request.version)",
            "path": "\(request.rawPath)", "status": "\(status)", "milliseconds": "\(milliseconds)",
        ]
        if let upgrade = request.upgrade { metadata["upgrade"] = "\(upgrade)" }
        if let bytes { metadata["bytes"] = "\(bytes)" }
        if let address = request.remoteAddress { metadata["remote"] = "\(address)" }
        logger.info("request", metadata: metadata)
    }
}
