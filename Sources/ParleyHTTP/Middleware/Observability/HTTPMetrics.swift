public import CoreMetrics
import HTTPTypes
import ParleyTransport

/// Metrics of requests by OpenTelemetry's names (semantic conventions for HTTP servers), for whatever backend swift-metrics was
/// given.
///
/// | metric | kind | labels |
/// |---|---|---|
/// | `http.server.request.duration` | timer, in seconds | all |
/// | `http.server.request.body.size`, `http.server.response.body.size` | recorder, bytes | all |
/// | `http.server.active_requests` | meter | `http.request.method`, `url.scheme` |
///
/// The labels: `http.request.method` (`_OTHER` for what no RFC knows), `url.scheme`, `http.response.status_code`, `http.route` (the
/// pattern; left out where no route answers), `network.protocol.version`, `error.type` (from 500 on). None is a text that clients
/// choose, so their number is bounded by what the application has.
///
/// A request is active until its response's body is complete; an upgraded connection until its response's head.
///
/// ```swift
/// app.use(AccessLog(), HTTPMetrics())
/// ```
public struct HTTPMetrics: Middleware {
    private let instruments: HTTPInstruments

    /// Creates the middleware. Use it in front of what answers errors, so that their final status is counted.
    ///
    /// - Parameter factory: makes the metrics; nil is what `MetricsSystem` was bootstrapped with when the first request comes.
    public init(factory: (any MetricsFactory)? = nil) {
        instruments = HTTPInstruments(factory: factory)
    }

    /// Passes the request on and records how it was answered.
    public nonisolated(nonsending) func respond(to request: Request, next: Next) async throws -> Response {
        let start = ContinuousClock.now
        let active = instruments.active(request)
        active.increment()
        do {
            let response = try await next(request)
            let status = response.status
            return response.watchingEnd { end in
                active.decrement()
                record(request, status, bytes: request.method == .head ? 0 : end.bytes, since: start)
            }
        } catch {
            active.decrement()
            record(request, (error as? HTTPError)?.status ?? .internalServerError, bytes: nil, since: start)
            throw error
        }
    }

    private func record(
        _ request: Request, _ status: HTTPResponse.Status, bytes: UInt64?,
        since start: ContinuousClock.Instant
    ) {
        let series = instruments.series(request, status)
        series.duration.recordNanoseconds(start.duration(to: .now).nanoseconds)
        if let length = request.body.announcedLength { series.requestBody.record(Int64(clamping: length)) }
        if let bytes { series.responseBody.record(Int64(clamping: bytes)) }
    }
}

/// The metrics that were made so far: a request makes none that there are.
private final class HTTPInstruments: Sendable {
    /// Those of one combination of labels.
    struct Series: Sendable {
        let duration: Timer
        let requestBody: Recorder
        let responseBody: Recorder
    }

    private struct Labels: Hashable {
        var method: String
        var isSecure: Bool
        var route: String?
        var status = 0
        var version = ""
    }

    private struct Made {
        var series: [Labels: Series] = [:]
        var active: [Labels: Meter] = [:]
    }

    private let factory: (any MetricsFactory)?
    private let made = Lock(Made())

    init(factory: (any MetricsFactory)?) { self.factory = factory }

    func active(_ request: Request) -> Meter {
        let labels = Labels(method: request.semanticMethod ?? "_OTHER", isSecure: request.isSecure)
        return made.withLock { made in
            if let meter = made.active[labels] { return meter }
            let meter = Meter(
                label: "http.server.active_requests",
                dimensions: [("http.request.method", labels.method), ("url.scheme", request.scheme)],
                factory: factory ?? MetricsSystem.factory)
            made.active[labels] = meter
            return meter
        }
    }

    func series(_ request: Request, _ status: HTTPResponse.Status) -> Series {
        let labels = Labels(
            method: request.semanticMethod ?? "_OTHER", isSecure: request.isSecure, route: request.route,
            status: status.code, version: request.protocolVersion)
        return made.withLock { made in
            if let series = made.series[labels] { return series }
            let series = make(labels)
            made.series[labels] = series
            return series
        }
    }

    private func make(_ labels: Labels) -> Series {
        var dimensions = [
            ("http.request.method", labels.method), ("url.scheme", labels.isSecure ? "https" : "http"),
            ("http.response.status_code", "\(labels.status)"), ("network.protocol.version", labels.version),
        ]
        if let route = labels.route { dimensions.append(("http.route", route)) }
        if labels.status >= 500 { dimensions.append(("error.type", "\(labels.status)")) }
        let factory = factory ?? MetricsSystem.factory
        let label = "http.server.request.duration"
        let timer = factory.makeTimer(label: label, dimensions: dimensions)
        timer.preferDisplayUnit(.seconds)
        func size(_ label: String) -> Recorder {
            Recorder(label: label, dimensions: dimensions, aggregate: true, factory: factory)
        }
        return Series(
            duration: Timer(label: label, dimensions: dimensions, handler: timer, factory: factory),
            requestBody: size("http.server.request.body.size"),
            responseBody: size("http.server.response.body.size"))
    }
}
