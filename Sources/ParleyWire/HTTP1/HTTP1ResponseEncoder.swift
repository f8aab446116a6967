public import HTTPTypes

/// Writes responses (RFC 9112 4 to 7) behind what a buffer already holds. Framing and persistence are the encoder's:
/// `content-length`, `transfer-encoding`, `connection` and `date` among the given fields are not copied.
public enum HTTP1ResponseEncoder {
    /// What the encoder must know of the request that is answered.
    public struct Exchange: Sendable, Equatable {
        /// True for a HEAD request: the head is that of a GET, and no content follows.
        public var isHead: Bool
        /// The version of the request: HTTP/1.0 knows no chunks.
        public var version: HTTPVersion
        /// False when the connection ends with this response, by the client's or the server's wish.
        public var keepAlive: Bool

        /// Describes the request that is answered.
        public init(isHead: Bool, version: HTTPVersion, keepAlive: Bool) {
            self.isHead = isHead
            self.version = version
            self.keepAlive = keepAlive
        }

        /// Describes the request that is answered.
        public init(_ head: HTTPRequestHead) {
            self.init(isHead: head.method == .head, version: head.version, keepAlive: head.keepAlive)
        }
    }

    /// What the caller knows of the response's content.
    public enum Content: Sendable, Equatable {
        /// Exactly so many bytes (0 included).
        case length(UInt64)
        /// Its end shows when it is reached: a stream.
        case unknown
        /// Nothing is to be said of it: for a response to HEAD, or a 304, whose content's length is unknown.
        case unstated
    }

    /// How the content is to be written behind the head.
    public enum Framing: Sendable, Equatable {
        /// No content may follow, whatever was announced.
        case none
        /// Exactly so many bytes follow.
        case length(UInt64)
        /// Chunks follow; see ``HTTP1ResponseEncoder/beginChunk(length:to:)``.
        case chunked
        /// The content ends with the connection.
        case untilClose
    }

    /// What the head has promised.
    public struct Outcome: Sendable, Equatable {
        /// How the content is to be written.
        public var framing: Framing
        /// False when the connection must be closed after this response.
        public var keepAlive: Bool
    }

    /// Appends status line and fields, up to the empty line. On an error the buffer is as it was.
    ///
    /// A 1xx response other than 101 is interim: the real one follows on the same connection. A `connection: close`
    /// among the fields closes too, an `upgrade` there is kept. In a 101 response `connection` is copied as given.
    /// - Parameters:
    ///   - date: the value of `date`, formatted (``HTTPDate``); none is written when it is empty or the status is 1xx.
    /// - Throws: ``HTTPEncodingError`` when a value holds a control character but TAB: CR, LF and NUL among them.
    public static func appendHead(
        _ status: HTTPResponse.Status, fields: HTTPFields, content: Content, exchange: Exchange,
        date: [UInt8], to output: inout [UInt8]
    ) throws(HTTPEncodingError) -> Outcome {
        let start = output.count
        var outcome = resolve(status.code, content, exchange)
        var options: ConnectionOptions = []
        do throws(HTTPEncodingError) {
            try appendStatusLine(status, to: &output)
            for field in fields {
                options.formUnion(try append(field, isSwitching: status.code == 101, to: &output))
            }
        } catch {
            output.removeSubrange(start...)
            throw error
        }
        if status.code >= 200, options.contains(.close) { outcome.keepAlive = false }
        output.append(addingCapacity: longestOwnFields + date.count) { output in
            if status.code >= 200 {
                if !date.isEmpty { appendDate(date, to: &output) }
                appendConnection(outcome.keepAlive, options, exchange, to: &output)
                appendFraming(status.code, content, outcome.framing, exchange, to: &output)
            }
            output.append(literal: "\r\n")
        }
        return outcome
    }

    /// More than the encoder's own fields take, but for the value of `date`: its name, two of `connection`, a
    /// `content-length` of 20 digits, and the empty line.
    private static let longestOwnFields = 128

    /// Decides on framing (RFC 9112 6.3) and persistence (RFC 9112 9.3).
    private static func resolve(_ code: Int, _ content: Content, _ exchange: Exchange) -> Outcome {
        var outcome = Outcome(framing: .none, keepAlive: exchange.keepAlive)
        if exchange.isHead || code < 200 || code == 204 || code == 205 || code == 304 { return outcome }
        switch content {
        case .length(let length): outcome.framing = length > 0 ? .length(length) : .none
        case .unknown, .unstated:
            outcome.framing = exchange.version == .http10 ? .untilClose : .chunked
            if outcome.framing == .untilClose { outcome.keepAlive = false }
        }
        return outcome
    }

    private static func appendStatusLine(
        _ status: HTTPResponse.Status, to output: inout [UInt8]
    ) throws(HTTPEncodingError) {
        if let line = HTTP1StatusLine.registered(status.code) {
            output.append(literal: line)
            return
        }
        output.append(literal: "HTTP/1.1 ")
        output.append(decimal: UInt64(max(0, status.code)))
        output.append(HTTPBytes.space)
        try appendValue(status.reasonPhrase, of: "reason-phrase", to: &output)
        output.append(literal: "\r\n")
    }

    private static func appendDate(_ date: [UInt8], to output: inout OutputSpan<UInt8>) {
        output.append(literal: "date: ")
        output.append(bytes: date.span)
        output.append(literal: "\r\n")
    }

    private static func appendConnection(
        _ keepAlive: Bool, _ options: ConnectionOptions, _ exchange: Exchange,
        to output: inout OutputSpan<UInt8>
    ) {
        // RFC 9110 7.8: whoever sends Upgrade, as a 426 does, lists it in Connection.
        if options.contains(.upgrade) { output.append(literal: "connection: upgrade\r\n") }
        if !keepAlive {
            output.append(literal: "connection: close\r\n")
        } else if exchange.version == .http10 {
            output.append(literal: "connection: keep-alive\r\n")
        }
    }

    private static func appendFraming(
        _ code: Int, _ content: Content, _ framing: Framing, _ exchange: Exchange,
        to output: inout OutputSpan<UInt8>
    ) {
        switch (content, code) {
        // RFC 9110 8.6: a 204 never has a length. RFC 9110 15.3.6: a 205 has no content, and says so.
        case (_, 204): break
        case (_, 205): output.append(literal: "content-length: 0\r\n")
        case (.length(let length), _):
            output.append(literal: "content-length: ")
            output.append(decimal: length)
            output.append(literal: "\r\n")
        case (.unknown, _):
            // The head of a HEAD response says what GET's would, which is chunked too (RFC 9112 6.1); a 304's needn't.
            guard framing == .chunked || exchange.isHead && exchange.version != .http10 && code != 304 else {
                break
            }
            output.append(literal: "transfer-encoding: chunked\r\n")
        case (.unstated, _):
            guard framing == .chunked else { break }
            output.append(literal: "transfer-encoding: chunked\r\n")
        }
    }
}
