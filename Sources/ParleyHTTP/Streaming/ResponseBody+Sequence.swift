public import HTTPTypes
import ParleyWire

extension ResponseBody {
    /// A body of the pieces of an asynchronous sequence. The next one is asked for when the peer has room for it. When the
    /// client goes away the task that iterates is cancelled.
    /// - Parameters:
    ///   - sequence: what it throws ends the connection, or the stream of HTTP/2, so that nobody takes a part for the whole.
    ///   - length: the length in bytes, where it is known.
    public static func stream<Pieces: AsyncSequence & Sendable>(
        _ sequence: Pieces, length: UInt64? = nil
    ) -> ResponseBody where Pieces.Element == [UInt8] {
        stream(length: length) { writer in
            for try await piece in sequence { try await writer.write(piece) }
            // Sequences end when they are cancelled, and then this isn't the whole.
            try Task.checkCancellation()
        }
    }

    /// A body of the texts of an asynchronous sequence, in UTF-8; see ``stream(_:length:)``.
    public static func stream<Pieces: AsyncSequence & Sendable>(_ sequence: Pieces) -> ResponseBody
    where Pieces.Element: StringProtocol {
        stream { writer in
            for try await text in sequence { try await writer.write(Array(text.utf8)) }
            try Task.checkCancellation()
        }
    }
}

extension Response {
    /// The values of an asynchronous sequence as lines of JSON (`application/x-ndjson`), each sent when it is there.
    ///
    /// What the sequence or encoding a value throws ends the connection, or the stream of HTTP/2.
    public static func jsonLines<Values: AsyncSequence & Sendable>(
        _ values: Values, status: HTTPResponse.Status = .ok
    ) -> Response where Values.Element: Encodable {
        let body = ResponseBody.stream { writer in
            for try await value in values {
                var line: [UInt8] = []
                try JSON.encode(value, into: &line)
                line.append(0x0A)
                try await writer.write(line)
            }
            try Task.checkCancellation()
        }
        return Response(status: status, headers: [.contentType: "application/x-ndjson"], body: body)
    }
}
