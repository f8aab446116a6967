public import HTTPTypes
public import Logging

/// Logs one line for each request when its response is complete, or when a connection was upgraded.
///
/// By default the line is the message `request` with metadata: `method`, `version` (`HTTP/1.1`, `HTTP/2`), `upgrade` (the protocol
/// that the request asks for, where it does), `path` (as it was sent, without the query), `status`, `bytes` (of content, as they
/// were made), `milliseconds` (to the end of the response's body), `remote` (the client's address), `request-id`, and the
/// request's header fields that were asked for.
///
/// ```swift
/// app.use(AccessLog(fields: [.userAgent]) { request, _ in request.rawPath == "/health" })
/// ```
public struct AccessLog: Middleware {
    private let logger: Logger?
    private let level: Logger.Level
    private let format: AccessLogFormat
    private let fields: [HTTPField.Name]
    private let isSkipped: (@Sendable (Request, HTTPResponse.Status) -> Bool)?

    /// Creates the middleware. Use it first, so that it sees what the others answered.
    ///
    /// - Parameters:
    ///   - logger: where the lines go; nil is the application's logger.
    ///   - level: the lines' level.
    ///   - format: what a line looks like.
    ///   - fields: fields of the request that the structured format logs too, by their names in lower case.
    ///   - isSkipped: for which requests no line is written.
    public init(
        logger: Logger? = nil, level: Logger.Level = .info, format: AccessLogFormat = .structured,
        fields: [HTTPField.Name] = [],
        skipping isSkipped: (@Sendable (_ request: Request, _ status: HTTPResponse.Status) -> Bool)? = nil
    ) {
        self.logger = logger
        self.level = level
        self.format = format
        self.fields = fields
        self.isSkipped = isSkipped
    }

    /// Passes the request on, and logs how it was answered, also when that was an error.
    public nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response {
        let start = ContinuousClock.now
        do {
            let response = try await next(request)
            let status = response.status
            return response.watchingEnd { end in log(request, status, end, since: start) }
        } catch {
            log(request, (error as? HTTPError)?.status ?? .internalServerError, nil, since: start)
            throw error
        }
    }

    private func log(
        _ request: Request, _ status: HTTPResponse.Status, _ end: ResponseEnd?,
        since start: ContinuousClock.Instant
    ) {
        let logger = logger ?? request.applicationLogger
        guard format.needsNoLogger || logger.logLevel <= level, isSkipped?(request, status) != true else {
            return
        }
        let bytes = request.method == .head ? 0 : end?.bytes
        let entry = AccessLogEntry(
            request: request, status: status, bytes: bytes, duration: start.duration(to: .now))
        switch format.kind {
        case .structured: logger.log(level: level, "request", metadata: metadata(of: entry))
        case .line(let makeLine, let write?): write(makeLine(entry))
        case .line(let makeLine, nil): logger.log(level: level, "\(makeLine(entry))")
        }
    }

    private func metadata(of entry: AccessLogEntry) -> Logger.Metadata {
        let request = entry.request
        let milliseconds = Double(entry.duration / .microseconds(1)) / 1000
        var metadata: Logger.Metadata = [
            "method": "\(request.method.rawValue)", "version": "\(request.version)",
            "path": "\(request.rawPath)", "status": "\(entry.status.code)", "milliseconds": "\(milliseconds)",
            "request-id": "\(request.id)",
        ]
        if let upgrade = request.upgrade { metadata["upgrade"] = "\(upgrade)" }
        if let bytes = entry.bytes { metadata["bytes"] = "\(bytes)" }
        if let address = request.clientAddress { metadata["remote"] = "\(address)" }
        for name in fields {
            if let value = request.header(name) { metadata[name.canonicalName] = "\(value)" }
        }
        return metadata
    }
}

/// What a line of the access log tells.
public struct AccessLogEntry: Sendable {
    /// The request, as it came to the access log: what inner middleware stored on it isn't there.
    public let request: Request
    /// The status of the response.
    public let status: HTTPResponse.Status
    /// The bytes of the response's content; nil for an error that somebody further out has yet to answer.
    public let bytes: UInt64?
    /// The time to the end of the response's body.
    public let duration: Duration
}
