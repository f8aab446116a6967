import HTTPTypes
import ParleyTransport
import ParleyWire

/// One state of a file as it is about to be sent, in one coding: where its bytes are, and the fields that describe it.
/// Conditions and ranges apply to this, once it was chosen.
struct FileRepresentation: Sendable {
    let source: FileSource
    /// In bytes.
    let size: UInt64
    let validators: Validators
    /// The fields that also a 304 has (RFC 9110 15.4.5).
    let metadata: HTTPFields
    /// ``metadata`` and the fields that go with content.
    let contentFields: HTTPFields

    init(
        source: FileSource, status: FileStatus, coding: PrecompressedCoding? = nil, traits: FileTraits,
        now: Int64
    ) {
        self.source = source
        size = status.size
        validators = status.validators(suffix: coding.map { "-" + $0.name } ?? "", now: now)
        var fields: HTTPFields = [
            .eTag: validators.entityTag.fieldValue,
            .lastModified: HTTPDate.string(validators.lastModified),
        ]
        if let cacheControl = traits.cacheControl { fields[.cacheControl] = cacheControl }
        if let vary = traits.vary { fields[.vary] = vary }
        metadata = fields
        fields[.contentType] = traits.mediaType
        if let coding { fields[.contentEncoding] = coding.name }
        fields[.acceptRanges] = "bytes"
        // The type is what the extension says: a browser must not find a script in an image.
        fields[.xContentTypeOptions] = "nosniff"
        if let disposition = traits.disposition { fields[.contentDisposition] = disposition }
        contentFields = fields
    }

    /// The response to a request: what its conditions and its range come to. May block, unless the source is memory.
    ///
    /// Throws ``HTTPError`` 412 and 416, and what reading throws.
    func response(to selection: FileSelection, now: Int64, loop: EventLoop) throws -> Response {
        switch selection.preconditions.evaluate(against: validators, now: now) {
        case .failed: throw HTTPError(.preconditionFailed, headers: variance)
        case .notModified: return Response(status: .notModified, headers: metadata)
        case .proceed: break
        }
        guard let range = selection.range, selection.preconditions.allowsRange(of: validators, now: now)
        else {
            return try whole(selection, loop)
        }
        switch RangeSelection(field: range, size: size) {
        case .whole: return try whole(selection, loop)
        case .unsatisfiable: throw unsatisfiable
        case .part(let part):
            var fields = contentFields
            fields[.contentRange] = part.contentRange(of: size)
            return Response(
                status: .partialContent, headers: fields, body: try body([.range(part)], selection, loop))
        case .parts(let parts):
            let multipart = MultipartRanges(
                parts, of: size, mediaType: contentFields[.contentType] ?? MediaType.unknown)
            var fields = contentFields
            fields[.contentType] = multipart.contentType
            return Response(
                status: .partialContent, headers: fields, body: try body(multipart.segments, selection, loop))
        }
    }

    private func whole(_ selection: FileSelection, _ loop: EventLoop) throws -> Response {
        Response(headers: contentFields, body: try body([.range(0..<size)], selection, loop))
    }

    private func body(
        _ segments: [FileContent.Segment], _ selection: FileSelection, _ loop: EventLoop
    ) throws -> ResponseBody {
        let content = FileContent(source: source, segments: segments)
        return selection.isHead ? content.announcement : try content.body(readOn: loop)
    }

    private var unsatisfiable: HTTPError {
        var fields = variance
        fields[.contentRange] = "bytes */\(size)"
        fields[.acceptRanges] = "bytes"
        return HTTPError(.rangeNotSatisfiable, headers: fields)
    }

    /// What an error has to say of the choice among codings.
    private var variance: HTTPFields {
        metadata[.vary].map { [.vary: $0] } ?? [:]
    }
}

/// What is the same for every coding and state of a file.
struct FileTraits: Sendable {
    var mediaType: String
    var cacheControl: String?
    /// The value of `Vary`: the fields that the representation is chosen by, though there may be but one.
    var vary: String?
    /// The value of `Content-Disposition`.
    var disposition: String?
}
