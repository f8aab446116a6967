import HTTPTypes
import ParleyTransport
import ParleyWire

/// Reads a multipart body as its parts are asked for.
final class MultipartReader: Sendable {
    let loop: EventLoop
    private let body: RequestBody
    private let state: Lock<MultipartReaderState>

    init(body: RequestBody, decoder: MultipartDecoder, options: MultipartOptions, loop: EventLoop) {
        self.body = body
        self.loop = loop
        state = Lock(MultipartReaderState(decoder: decoder, options: options))
    }

    /// Skips what is left of the open part, and goes on to the next one.
    nonisolated(nonsending) func nextPart() async throws -> MultipartPart? {
        while true {
            switch try await nextEvent(of: nil) {
            case .part(let fields, let number): return try part(fields, number)
            case .piece, .endOfPart: continue
            case .end:
                return nil
            }
        }
    }

    /// The next piece of a part; nil at its end.
    nonisolated(nonsending) func nextPiece(of part: Int) async throws -> [UInt8]? {
        guard try state.withLock({ try $0.isOpen(part) }) else { return nil }
        guard case .piece(let bytes) = try await nextEvent(of: part) else { return nil }
        return bytes
    }

    private nonisolated(nonsending) func nextEvent(of part: Int?) async throws -> MultipartReaderState.Event {
        try state.withLock { try $0.begin() }
        defer { state.withLock { $0.isBusy = false } }
        while true {
            if let event = try state.withLock({ try $0.next() }) { return event }
            if let piece = try await body.nextPiece() {
                try state.withLock { try $0.feed(piece) }
            } else {
                return try state.withLock { try $0.finish() }
            }
        }
    }

    /// A part of a form has a name (RFC 7578 4.2).
    private func part(_ fields: HTTPHeaderBlock, _ number: Int) throws -> MultipartPart {
        let disposition = fields.first("content-disposition").map { ParameterizedField($0) }
        guard let disposition, disposition.value == "form-data", let name = disposition["name"] else {
            throw HTTPError(.badRequest, "RFC 7578 4.2: a part has no Content-Disposition with a name")
        }
        let filename = disposition.extended("filename") ?? disposition["filename"]?.withoutFormEscapes
        return MultipartPart(
            name: name.withoutFormEscapes, filename: filename, headers: fields.httpFields,
            body: MultipartPart.Body(reader: self, part: number))
    }

    static func tooLarge(_ limit: String, _ value: Int) -> HTTPError {
        HTTPError(.contentTooLarge, "limit multipart \(limit): more than \(value) bytes")
    }
}

extension String {
    /// The text with `%0A`, `%0D` and `%22` replaced by what they stand for: these three, and not `%` itself, are what browsers
    /// escape in names (WHATWG HTML, multipart/form-data encoding algorithm).
    fileprivate var withoutFormEscapes: String {
        guard utf8.contains(0x25) else { return self }
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == 0x25, let escaped = Self.formEscape(rest.prefix(2)) else {
                bytes.append(byte)
                continue
            }
            bytes.append(escaped)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func formEscape(_ digits: Substring.UTF8View) -> UInt8? {
        switch String(Substring(digits)).uppercased() {
        case "0A": 0x0A
        case "0D": 0x0D
        case "22": 0x22
        default: nil
        }
    }
}

/// What a ``MultipartReader`` holds under its lock: the decoder, the piece that it is in, and what was counted.
struct MultipartReaderState {
    enum Event: Sendable {
        case part(HTTPHeaderBlock, Int)
        case piece([UInt8])
        case endOfPart
        case end
    }

    var isBusy = false
    private var decoder: MultipartDecoder
    private let options: MultipartOptions
    private var piece: [UInt8] = []
    private var offset = 0
    private var total = 0
    private var partBytes = 0
    /// The number of the last part that began.
    private var part = 0
    private var isPartOpen = false

    init(decoder: MultipartDecoder, options: MultipartOptions) {
        self.decoder = decoder
        self.options = options
    }

    mutating func begin() throws {
        guard !isBusy else { throw MultipartPartError.concurrentRead }
        isBusy = true
    }

    /// Whether a part has more. Throws when it was skipped.
    func isOpen(_ number: Int) throws -> Bool {
        guard number == part else { throw MultipartPartError.skipped }
        return isPartOpen
    }

    /// The next event of what is here; nil when more is needed.
    mutating func next() throws -> Event? {
        // Another reference, as the decoder is changed while the bytes are looked at.
        let bytes = piece
        while true {
            switch decoder.next(bytes.span, at: &offset) {
            case .part(let fields):
                (part, partBytes, isPartOpen) = (part + 1, 0, true)
                return .part(fields, part)
            case .content(let range):
                return try content(range.count == bytes.count ? bytes : Array(bytes[range]))
            case .held(let range): return try content(Array(decoder.delimiter[range]))
            case .endOfPart:
                isPartOpen = false
                return .endOfPart
            // What follows is read too, so that the body is known to be complete.
            case .end: continue
            case .needMore: return nil
            case .failure(let error): throw error.httpError
            }
        }
    }

    mutating func feed(_ bytes: [UInt8]) throws {
        guard bytes.count <= options.totalBytes - total else {
            throw MultipartReader.tooLarge("totalBytes", options.totalBytes)
        }
        total += bytes.count
        piece = bytes
        offset = 0
    }

    /// The body is at its end.
    mutating func finish() throws -> Event {
        (piece, offset) = ([], 0)
        if let error = decoder.finish() { throw error.httpError }
        return .end
    }

    private mutating func content(_ bytes: [UInt8]) throws -> Event {
        guard bytes.count <= options.partBytes - partBytes else {
            throw MultipartReader.tooLarge("partBytes", options.partBytes)
        }
        partBytes += bytes.count
        return .piece(bytes)
    }
}

extension MultipartError {
    fileprivate var httpError: HTTPError { HTTPError(isLimit ? .contentTooLarge : .badRequest, rule) }
}
