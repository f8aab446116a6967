import ParleyWire

/// An event of an event stream (WHATWG HTML 9.2).
public struct ServerSentEvent: Sendable, Equatable {
    /// The event's name; nil is `message`. It has no line ends.
    public var event: String?
    /// What the browser sends as `Last-Event-ID` when it connects again; nil leaves it as it was. It has no line ends and no NUL.
    public var id: String?
    /// The data, in any number of lines; browsers see each line end as LF. Without data no event is dispatched, but id and retry
    /// time are taken.
    public var data: String?
    /// How long the browser waits before it connects again.
    public var retry: Duration?

    /// An event.
    public init(event: String? = nil, id: String? = nil, data: String?, retry: Duration? = nil) {
        self.event = event
        self.id = id
        self.data = data
        self.retry = retry
    }

    /// An event whose data is a value as JSON.
    /// - Throws: what encoding throws.
    public init(
        event: String? = nil, id: String? = nil, json value: some Encodable, retry: Duration? = nil
    ) throws {
        var bytes: [UInt8] = []
        try JSON.encode(value, into: &bytes)
        self.init(event: event, id: id, data: String(decoding: bytes, as: UTF8.self), retry: retry)
    }
}

/// An event that can't be written.
public enum ServerSentEventError: Error, Sendable, Equatable {
    /// The event's name has a line end or NUL.
    case invalidName
    /// The id has a line end or NUL (WHATWG HTML 9.2.6).
    case invalidID
    /// The retry time is negative.
    case invalidRetry
}

extension ServerSentEvent {
    /// The event as the stream has it, with the empty line at its end.
    func bytes() throws(ServerSentEventError) -> [UInt8] {
        var output: [UInt8] = []
        if let event {
            guard Self.isOneLine(event) else { throw .invalidName }
            Self.append("event: ", event.utf8, to: &output)
        }
        if let id {
            guard Self.isOneLine(id) else { throw .invalidID }
            Self.append("id: ", id.utf8, to: &output)
        }
        if let retry {
            guard retry >= .zero else { throw .invalidRetry }
            Self.append("retry: ", "\(retry.milliseconds)".utf8, to: &output)
        }
        if let data { Self.appendData(data, to: &output) }
        output.append(0x0A)
        return output
    }

    /// A comment, which browsers ignore.
    static func comment(_ text: String) -> [UInt8] {
        var output: [UInt8] = []
        forEachLine(text) { append(": ", $0, to: &output) }
        output.append(0x0A)
        return output
    }

    private static func appendData(_ data: String, to output: inout [UInt8]) {
        output.reserveCapacity(output.count + data.utf8.count + 16)
        forEachLine(data) { append("data: ", $0, to: &output) }
    }

    /// Lines end with CR LF, LF or CR; bytes are looked at, as CR LF is one `Character`.
    private static func forEachLine(_ text: String, _ body: (Substring.UTF8View) -> Void) {
        var rest = text.utf8[...]
        while let end = rest.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) {
            body(rest[..<end])
            let isPair = rest[end] == 0x0D && rest[end...].dropFirst().first == 0x0A
            rest = rest[end...].dropFirst(isPair ? 2 : 1)
        }
        body(rest)
    }

    private static func append(_ name: StaticString, _ line: some Sequence<UInt8>, to output: inout [UInt8]) {
        output.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        output.append(contentsOf: line)
        output.append(0x0A)
    }

    private static func isOneLine(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 != 0x0A && $0 != 0x0D && $0 != 0 }
    }
}
