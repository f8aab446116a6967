import HTTPTypes
import ParleyTransport
import ParleyWire

/// A file as it is about to be sent: open, with the fields that describe it. Content codings and other variants of a
/// file would be chosen before there is one of these; conditions and ranges apply to what was chosen.
struct FileRepresentation: Sendable {
    let file: OpenFile
    let mediaType: String
    let cacheControl: String?
    let validators: Validators

    init(file: OpenFile, mediaType: String, cacheControl: String?, now: Int64) {
        self.file = file
        self.mediaType = mediaType
        self.cacheControl = cacheControl
        validators = file.status.validators(now: now)
    }

    /// The response to a request: what its conditions and its range come to. May block.
    ///
    /// Throws ``HTTPError`` 412 and 416, and what reading throws.
    func response(to query: FileQuery, now: Int64, loop: EventLoop) throws -> Response {
        switch query.preconditions.evaluate(against: validators, now: now) {
        case .failed: throw HTTPError(.preconditionFailed)
        case .notModified: return Response(status: .notModified, headers: metadata)
        case .proceed: break
        }
        let size = file.status.size
        let isRangeAllowed = query.preconditions.allowsRange(of: validators, now: now)
        switch RangeSelection(field: isRangeAllowed ? query.range : nil, size: size) {
        case .unsatisfiable:
            throw HTTPError(
                .rangeNotSatisfiable, headers: [.contentRange: "bytes */\(size)", .acceptRanges: "bytes"])
        case .whole:
            return Response(headers: contentFields, body: try body(0..<size, query, loop))
        case .part(let part):
            var fields = contentFields
            fields[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)"
            return Response(status: .partialContent, headers: fields, body: try body(part, query, loop))
        }
    }

    private func body(_ range: Range<UInt64>, _ query: FileQuery, _ loop: EventLoop) throws -> ResponseBody {
        let content = FileContent(descriptor: file.descriptor, range: range)
        return query.isHead ? content.announcement : try content.body(readOn: loop)
    }

    /// The fields that also a 304 has (RFC 9110 15.4.5).
    private var metadata: HTTPFields {
        var fields: HTTPFields = [
            .eTag: validators.entityTag.fieldValue,
            .lastModified: HTTPDate.string(validators.lastModified),
        ]
        if let cacheControl { fields[.cacheControl] = cacheControl }
        return fields
    }

    private var contentFields: HTTPFields {
        var fields = metadata
        fields[.contentType] = mediaType
        fields[.acceptRanges] = "bytes"
        // The type is what the extension says: a browser must not find a script in an image.
        fields[.xContentTypeOptions] = "nosniff"
        return fields
    }
}
