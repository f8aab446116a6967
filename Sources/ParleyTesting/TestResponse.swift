public import HTTPTypes
import ParleyWire

/// A whole response.
public struct TestResponse: Sendable {
    /// The status.
    public var status: HTTPResponse.Status
    /// The header fields, those of framing included.
    public var headers: HTTPFields
    /// The content.
    public var body: [UInt8]
    /// The fields behind a chunked content.
    public var trailers: HTTPFields
    /// False when the server closes the connection behind the response.
    public var keepsConnection: Bool

    /// The content as text.
    public var text: String { String(decoding: body, as: UTF8.self) }

    /// The content as a value, decoded from JSON. Throws what decoding throws.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSON.decode(type, from: body.span)
    }
}

/// A response whose content is read piece by piece, once.
public struct TestStreamedResponse: AsyncSequence, Sendable {
    /// A piece of the content; never empty.
    public typealias Element = [UInt8]

    let head: HTTPResponseHead
    let reader: TestResponseReader

    /// The status.
    public var status: HTTPResponse.Status { HTTPResponse.Status(code: head.status) }
    /// The header fields, those of framing included.
    public var headers: HTTPFields { head.headers.httpFields }
    /// The connection, such as to end it before the response does.
    public var connection: TestConnection { reader.connection }

    /// An iterator over the content.
    public func makeAsyncIterator() -> Iterator { Iterator(reader: reader) }

    /// Reads a content piece by piece.
    public struct Iterator: AsyncIteratorProtocol {
        var reader: TestResponseReader

        /// The next piece, or nil at the end. Throws ``TestClientError``.
        public mutating func next() async throws -> [UInt8]? { try await reader.readPiece() }
    }

    func collect() async throws -> TestResponse {
        var reader = reader
        var body: [UInt8] = []
        while let piece = try await reader.readPiece() { body += piece }
        return TestResponse(
            status: status, headers: headers, body: body, trailers: reader.trailers?.httpFields ?? [:],
            keepsConnection: head.keepAlive)
    }
}

/// Decodes one response from a connection.
struct TestResponseReader: Sendable {
    let connection: TestConnection
    private var decoder: HTTP1ResponseDecoder
    private(set) var input: [UInt8] = []
    private(set) var offset = 0
    private(set) var trailers: HTTPHeaderBlock?

    init(connection: TestConnection, method: HTTPRequest.Method) {
        self.connection = connection
        var limits = HTTPLimits()
        // It is the tested application that says how much it answers.
        limits.headerSectionBytes = 1 << 20
        limits.headerFieldBytes = 1 << 20
        decoder = HTTP1ResponseDecoder(limits: limits)
        decoder.requestMethod = method
    }

    mutating func readHead() async throws -> HTTPResponseHead {
        while true {
            if case .head(let head) = try await next() { return head }
        }
    }

    mutating func readPiece() async throws -> [UInt8]? {
        while true {
            switch try await next() {
            case .body(let range): return Array(input[range])
            case .end(let trailers):
                self.trailers = trailers
                return nil
            default: break
            }
        }
    }

    /// What came behind a head that switches protocols.
    var rest: [UInt8] { Array(input[offset...]) }

    /// The next event that isn't `needMore`.
    private mutating func next() async throws -> HTTP1ResponseDecoder.Event {
        while true {
            // A copy, as the span of a stored array keeps the whole struct from being changed.
            let input = input
            var event = decoder.next(input.span, at: &offset)
            if case .needMore = event {
                if let bytes = try await connection.read() {
                    (self.input, offset) = (bytes, 0)
                    continue
                }
                event = decoder.finish()
                if case .needMore = event { throw TestClientError.connectionClosed }
            }
            if case .failure(let error) = event { throw TestClientError.malformedResponse(error.rule) }
            return event
        }
    }
}
