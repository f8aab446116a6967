import HTTPTypes

/// What a client knows of a response before its content.
public struct HTTPResponseHead: Sendable, Equatable {
    /// The status code, 100 to 999.
    public var status: Int
    /// The version that the server speaks.
    public var version: HTTPVersion
    /// Every field, those of framing included.
    public var headers: HTTPHeaderBlock
    /// The announced length of the content in bytes; nil when it is chunked, or ends with the connection.
    public var contentLength: UInt64?
    /// True when the content comes in chunks (RFC 9112 7.1).
    public var isChunked = false
    /// True when the server lets the connection persist after this exchange (RFC 9112 9.3).
    public var keepAlive: Bool

    /// A head without content.
    public init(status: Int, version: HTTPVersion = .http11, headers: HTTPHeaderBlock = HTTPHeaderBlock()) {
        self.status = status
        self.version = version
        self.headers = headers
        keepAlive = version != .http10
    }

    /// Reads a status line without its line end (RFC 9112 4). The reason phrase says nothing that the code doesn't.
    init(statusLine line: Span<UInt8>) throws(HTTP1Error) {
        // "HTTP/1.1 200", and a space before the reason, which some servers leave out with it.
        guard line.count >= 12, line.extracting(0..<7).starts(with: "HTTP/1."), HTTPBytes.isDigit(line[7]),
            line[8] == HTTPBytes.space, line.count == 12 || line[12] == HTTPBytes.space
        else { throw .statusLine }
        var code = 0
        for index in 9..<12 {
            guard HTTPBytes.isDigit(line[index]) else { throw .statusLine }
            code = code * 10 + Int(line[index] &- 0x30)
        }
        guard code >= 100, HTTPBytes.isFieldValue(line.extracting(12..<line.count)) else { throw .statusLine }
        self.init(status: code, version: line[7] == 0x30 ? .http10 : .http11)
    }

    /// Reads the fields that frame the content (RFC 9112 6).
    mutating func readFraming() throws(HTTP1Error) {
        let lengths = headers.count(of: "content-length")
        guard lengths <= 1 else { throw .contentLengthRepeated }
        if let index = headers.index(of: "content-length") {
            guard let length = headers.decimalValue(at: index) else { throw .contentLength }
            contentLength = length
        }
        if let index = headers.index(of: "transfer-encoding") {
            guard headers.count(of: "transfer-encoding") == 1, headers.hasValue("chunked", at: index) else {
                throw .transferEncoding
            }
            guard contentLength == nil else { throw .ambiguousFraming }
            isChunked = true
        }
        let closes = headers.contains("connection", token: "close")
        let persists = version != .http10 || headers.contains("connection", token: "keep-alive")
        keepAlive = !closes && persists
    }

    /// False for a response that ends with its head (RFC 9112 6.3, rules 1 and 2).
    func mayHaveContent(answering method: HTTPRequest.Method) -> Bool {
        if method == .head || status < 200 || status == 204 || status == 304 { return false }
        return !(method == .connect && status < 300)
    }
}

extension Span<UInt8> {
    /// True when the bytes begin with the text.
    fileprivate func starts(with text: StaticString) -> Bool {
        guard count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where self[index] != text.utf8Start[index] { return false }
        return true
    }
}
