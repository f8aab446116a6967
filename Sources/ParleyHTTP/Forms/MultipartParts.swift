public import HTTPTypes
import ParleyTransport
import ParleyWire

extension Request {
    /// The parts of a `multipart/form-data` body (RFC 7578) as they come, none of which is held in memory. It can be read once.
    ///
    /// ```swift
    /// for try await part in try request.multipart() {
    ///     if let name = part.safeFilename { try await part.save(to: "/srv/uploads/\(name)") }
    /// }
    /// ```
    ///
    /// A part's content is read before the next part is asked for; what isn't read then is skipped. While nothing is read, the
    /// client's window closes.
    /// - Throws: ``HTTPError`` 415 when the content is of another type, 413 when its announced length is above the limit, 400 for a boundary that can't be one.
    public func multipart(_ options: MultipartOptions = MultipartOptions()) throws -> MultipartParts {
        guard let type = contentType, type.value == ContentTypes.multipart else {
            throw HTTPError.unsupported(ContentTypes.multipart)
        }
        if let length = body.announcedLength, length > UInt64(max(0, options.totalBytes)) {
            throw MultipartReader.tooLarge("totalBytes", options.totalBytes)
        }
        do throws(MultipartError) {
            let decoder = try MultipartDecoder(boundary: type["boundary"] ?? "", limits: options.wire)
            return MultipartParts(
                reader: MultipartReader(body: body, decoder: decoder, options: options, loop: loop))
        } catch {
            throw HTTPError(.badRequest, error.rule)
        }
    }
}

/// The parts of a multipart body, one after the other.
public struct MultipartParts: AsyncSequence, Sendable {
    /// A part.
    public typealias Element = MultipartPart

    let reader: MultipartReader

    /// An iterator over the parts that nobody asked for yet.
    public func makeAsyncIterator() -> Iterator { Iterator(reader: reader) }

    /// Goes from part to part.
    public struct Iterator: AsyncIteratorProtocol {
        let reader: MultipartReader

        /// The next part, or nil at the body's end; what is left of the one before is skipped. Throws ``HTTPError`` 400 when the
        /// body is malformed or ends early, 413 that names a limit, and what reading a ``RequestBody`` throws.
        public mutating nonisolated(nonsending) func next() async throws -> MultipartPart? {
            try await reader.nextPart()
        }

        /// The next part, without a change of executor; what `for try await` calls.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> MultipartPart? {
            try await reader.nextPart()
        }
    }
}

/// A part of a multipart body: a field of a form.
public struct MultipartPart: Sendable {
    /// The field's name.
    public let name: String
    /// The name of the file as the client gave it, which is not to be trusted: see ``safeFilename``. Nil where the field is no
    /// file; empty where none was chosen.
    public let filename: String?
    /// The header fields.
    public let headers: HTTPFields
    /// The content.
    public let body: Body

    /// The media type that the client gave; nil when it gave none.
    public var contentType: String? { headers[.contentType] }

    /// The file's name without what a file system could make something else of; nil when nothing is left. See
    /// ``Filename/safe(_:)``.
    public var safeFilename: String? { filename.flatMap { Filename.safe($0) } }

    /// The content, as an asynchronous sequence of pieces in their order.
    public struct Body: AsyncSequence, Sendable {
        /// A piece; never empty.
        public typealias Element = [UInt8]

        let reader: MultipartReader
        let part: Int

        /// An iterator over the pieces that nobody has read yet.
        public func makeAsyncIterator() -> Iterator { Iterator(body: self) }

        /// Reads piece by piece.
        public struct Iterator: AsyncIteratorProtocol {
            let body: Body

            /// The next piece, or nil at the part's end. Throws ``MultipartPartError`` when the next part was asked for, and what
            /// ``MultipartParts/Iterator/next()`` throws.
            public mutating nonisolated(nonsending) func next() async throws -> [UInt8]? {
                try await body.reader.nextPiece(of: body.part)
            }

            /// The next piece, without a change of executor; what `for try await` calls.
            public mutating func next(isolation actor: isolated (any Actor)?) async throws -> [UInt8]? {
                try await body.reader.nextPiece(of: body.part)
            }
        }
    }
}

/// Why a part can't be read, where the client is not to blame.
public enum MultipartPartError: Error, Sendable, Equatable {
    /// The next part was asked for before, so that what was left of this one was skipped.
    case skipped
    /// Two tasks read at the same time.
    case concurrentRead
}

extension MultipartPart {
    /// The content, up to a limit in bytes.
    /// - Throws: ``HTTPError`` 413 when it is longer, and what reading ``body-swift.property`` throws.
    public nonisolated(nonsending) func collect(upTo limit: Int = 1024 * 1024) async throws -> [UInt8] {
        var collected: [UInt8] = []
        while let piece = try await body.reader.nextPiece(of: body.part) {
            guard piece.count <= limit - collected.count else {
                throw HTTPError(.contentTooLarge, "the part \(name) exceeds \(limit) bytes")
            }
            if collected.isEmpty { collected = piece } else { collected += piece }
        }
        return collected
    }

    /// The content as text in UTF-8, up to a limit in bytes; U+FFFD stands for what isn't UTF-8.
    /// - Throws: what ``collect(upTo:)`` throws.
    public nonisolated(nonsending) func text(upTo limit: Int = 1024 * 1024) async throws -> String {
        String(decoding: try await collect(upTo: limit), as: UTF8.self)
    }
}
