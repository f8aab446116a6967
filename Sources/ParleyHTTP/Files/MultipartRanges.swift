/// Several parts of a content as one body: `multipart/byteranges` (RFC 9110 14.6).
struct MultipartRanges: Sendable {
    let parts: [Range<UInt64>]
    /// The bytes of the whole content.
    let size: UInt64
    /// The content's media type, which each part has.
    let mediaType: String
    let boundary: String

    init(_ parts: [Range<UInt64>], of size: UInt64, mediaType: String, boundary: String = Self.makeBoundary())
    {
        self.parts = parts
        self.size = size
        self.mediaType = mediaType
        self.boundary = boundary
    }

    /// The response's media type.
    var contentType: String { "multipart/byteranges; boundary=\(boundary)" }

    /// The body, piece by piece.
    var segments: [FileContent.Segment] {
        var segments: [FileContent.Segment] = []
        for part in parts {
            segments += [.bytes(head(of: part)), .range(part)]
        }
        return segments + [.bytes(Array("\r\n--\(boundary)--\r\n".utf8))]
    }

    private func head(of part: Range<UInt64>) -> [UInt8] {
        Array(
            "\r\n--\(boundary)\r\nContent-Type: \(mediaType)\r\nContent-Range: \(part.contentRange(of: size))\r\n\r\n"
                .utf8)
    }

    /// 128 random bits, so that no content has it, even one that was made to.
    private static func makeBoundary() -> String {
        "parley-" + String(UInt64.random(in: .min ... .max), radix: 36)
            + String(UInt64.random(in: .min ... .max), radix: 36)
    }
}

extension Range<UInt64> {
    /// The value of `Content-Range` for this part of so many bytes (RFC 9110 14.4). The part is not empty.
    func contentRange(of size: UInt64) -> String { "bytes \(lowerBound)-\(upperBound - 1)/\(size)" }
}
