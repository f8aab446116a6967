import HTTPTypes
import ParleyWire

extension Response {
    /// The time without an event after which a comment is sent, so that proxies don't take the stream for dead.
    public static let defaultEventHeartbeat: Duration = .seconds(15)

    /// An event stream (server-sent events, WHATWG HTML 9.2), which a browser reads with `EventSource`.
    ///
    /// ```swift
    /// app.get("/ticks") { request in
    ///     try Response.events(for: request) { stream in
    ///         for number in (Int(stream.lastEventID ?? "") ?? 0) + 1 ..< .max {
    ///             try await stream.send(event: "tick", id: "\(number)", data: "\(number)")
    ///             try await Task.sleep(for: .seconds(1))
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// The closure is cancelled when the client is gone, and when the server shuts down: clients come back by themselves. When it
    /// returns the stream ends, and they come back as well; answer 204 to a client that shall not.
    ///
    /// - Parameters:
    ///   - request: what is answered.
    ///   - heartbeat: the time without an event after which a comment is sent; nil: never.
    ///   - produce: sends the events. An error that it throws, but for its cancellation, cuts the stream off.
    /// - Throws: ``HTTPError`` 406 when the client doesn't accept `text/event-stream`.
    public static func events(
        for request: Request, heartbeat: Duration? = defaultEventHeartbeat,
        _ produce: @escaping @Sendable (EventStream) async throws -> Void
    ) throws -> Response {
        guard request.acceptsEvents else { throw HTTPError(.notAcceptable, "this is a text/event-stream") }
        let (loop, lastEventID) = (request.loop, request.lastEventID)
        var body = ResponseBody.stream { writer in
            let stream = EventStream(writer: writer, lastEventID: lastEventID)
            let heartbeat = heartbeat.map { EventHeartbeat(stream, every: $0, on: loop) }
            heartbeat?.start()
            defer { heartbeat?.stop() }
            do {
                try await produce(stream)
            } catch {
                // An event stream is never whole: that it ends here is nothing that the client has to be told. Whoever is
                // cancelled may say so in words of its own.
                guard Task.isCancelled || error is CancellationError else { throw error }
            }
        }
        body.endsAtShutdown = true
        return Response(headers: eventHeaders, body: body)
    }

    /// An event stream of an asynchronous sequence; see ``events(for:heartbeat:_:)-(_,_,(EventStream)->Void)``.
    public static func events<Events: AsyncSequence & Sendable>(
        for request: Request, heartbeat: Duration? = defaultEventHeartbeat, _ events: Events
    ) throws -> Response where Events.Element == ServerSentEvent {
        try self.events(for: request, heartbeat: heartbeat) { stream in
            for try await event in events { try await stream.send(event) }
        }
    }

    private static let eventHeaders: HTTPFields = {
        var headers: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-cache"]
        // nginx would collect what it passes on.
        if let name = HTTPField.Name("X-Accel-Buffering") { headers[name] = "no" }
        return headers
    }()
}

extension Request {
    /// The id of the last event that the client saw of this event stream, when it connects again (WHATWG HTML 9.2.3).
    public var lastEventID: String? {
        HTTPField.Name("Last-Event-ID").flatMap { header($0) }
    }

    fileprivate var acceptsEvents: Bool {
        guard let accept = header(.accept) else { return true }
        let elements = WeightedList(accept).elements
        for range in ["text/event-stream", "text/*", "*/*"] {
            if let element = elements.first(where: { $0.name == range }) { return element.weight > 0 }
        }
        return false
    }
}
