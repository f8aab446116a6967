public import HTTPTypes

/// Chunks (RFC 9112 7.1).
extension HTTP1ResponseEncoder {
    /// Appends a chunk's size line; so many bytes and ``endChunk(to:)`` must follow. A length of 0 appends nothing, as
    /// it would end the content: nothing must follow then.
    public static func beginChunk(length: Int, to output: inout [UInt8]) {
        guard length > 0 else { return }
        var shift = (Int.bitWidth - length.leadingZeroBitCount - 1) & ~3
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: length >> shift & 15)
            output.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
            shift -= 4
        }
        output.append(literal: "\r\n")
    }

    /// Appends the line end behind a chunk's data.
    public static func endChunk(to output: inout [UInt8]) {
        output.append(literal: "\r\n")
    }

    /// Appends the bytes as one chunk; nothing when there are none.
    public static func appendChunk(_ bytes: Span<UInt8>, to output: inout [UInt8]) {
        guard bytes.count > 0 else { return }
        beginChunk(length: bytes.count, to: &output)
        output.append(bytes: bytes)
        endChunk(to: &output)
    }

    /// Appends the last chunk, which ends the content.
    public static func endChunks(to output: inout [UInt8]) {
        output.append(literal: "0\r\n\r\n")
    }

    /// Appends the last chunk with trailer fields, which end the content. Fields of framing, routing and persistence
    /// don't belong into trailers (RFC 9110 6.5.1) and are left out. On an error the buffer is as it was.
    /// - Throws: ``HTTPEncodingError`` when a value holds a control character but TAB.
    public static func endChunks(
        trailers: HTTPFields, to output: inout [UInt8]
    ) throws(HTTPEncodingError) {
        let start = output.count
        output.append(literal: "0\r\n")
        do throws(HTTPEncodingError) {
            for field in trailers where !isForbidden(field.name) {
                _ = try append(field, isSwitching: false, to: &output)
            }
        } catch {
            output.removeSubrange(start...)
            throw error
        }
        output.append(literal: "\r\n")
    }

    private static func isForbidden(_ name: HTTPField.Name) -> Bool {
        name == .trailer || name.canonicalName == "host"
    }
}
