/// One call that decodes: the text, its tokens, and its attachments.
///
/// The text is only borrowed. ``close()`` ends the session before the borrow ends, and empties the tape; every
/// access goes through ``token(_:)``, so a decoder or container that escaped its `init(from:)` throws from then on.
final class JSONDecodingSession {
    @exclusivity(unchecked) private(set) var text: UnsafeBufferPointer<UInt8>
    @exclusivity(unchecked) private(set) var tape: JSONTape
    /// The attachments of a Socket.IO packet; nil when binary is Base64.
    let attachments: [[UInt8]]?
    /// The argument's position, which begins the coding path; nil for a text of its own.
    let position: Int?

    private init(
        text: UnsafeBufferPointer<UInt8>, tape: JSONTape, attachments: [[UInt8]]?, position: Int?
    ) {
        self.text = text
        self.tape = tape
        self.attachments = attachments
        self.position = position
    }

    /// Validates and indexes the value at the scanner's offset, moves the scanner behind it, and gives the session
    /// whose token 0 is that value.
    /// - Parameter isWhole: whether nothing but white space may follow the value.
    static func with<Result>(
        _ bytes: Span<UInt8>, _ scanner: inout JSONScanner, attachments: [[UInt8]]?, position: Int? = nil,
        isWhole: Bool = false, _ body: (JSONDecodingSession) throws -> Result
    ) throws -> Result {
        guard bytes.count < Int(UInt32.max) else { throw JSONError(.tooLong, at: 0) }
        var tape = JSONTape()
        do {
            try scanner.scanValue(bytes, into: &tape, depth: scanner.maximumDepth)
            if isWhole { try scanner.expectEnd(bytes) }
        } catch {
            tape.deallocate()
            throw error
        }
        return try bytes.withUnsafeBufferPointer { text in
            let session = JSONDecodingSession(
                text: text, tape: tape, attachments: attachments, position: position)
            defer { session.close() }
            return try body(session)
        }
    }

    private func close() {
        tape.deallocate()
        text = UnsafeBufferPointer(start: nil, count: 0)
    }

    /// The token at an index.
    /// - Throws: when there is none: an argument that is missing, or a session that was closed.
    @inline(__always)
    func token(_ index: Int) throws -> JSONToken {
        guard index >= 0, index < tape.count else { throw noToken(index) }
        return tape[index]
    }

    @inline(never)
    private func noToken(_ index: Int) -> DecodingError {
        let reason = tape.count == 0 ? "the decoder is used after its value was decoded" : "there is no value"
        return .dataCorrupted(DecodingError.Context(codingPath: [], debugDescription: reason))
    }

    /// The bytes of a number, or of a string between its quotes.
    @inline(__always)
    func contents(_ token: JSONToken) -> UnsafeBufferPointer<UInt8> {
        let start = Int(token.start)
        return UnsafeBufferPointer(rebasing: text[start..<(start &+ Int(token.count))])
    }

    /// Whether a value is null; a missing one (of a super decoder) counts as null.
    @inline(__always)
    func isNull(_ index: Int) -> Bool {
        index < 0 || index >= tape.count || tape[index].kind == .null
    }

    /// The value of an object's member, the last one of that name, or nil.
    func member(_ key: String, of object: Int, _ index: JSONKeyIndex?) -> Int? {
        guard object >= 0, object < tape.count else { return nil }
        var key = key
        return key.withUTF8 { name in
            if let index { return index.value(name, in: self) }
            return scan(name, tape[object], object)
        }
    }

    @inline(__always)
    private func scan(_ name: UnsafeBufferPointer<UInt8>, _ token: JSONToken, _ object: Int) -> Int? {
        guard token.kind == .object else { return nil }
        var found: Int?
        var key = object &+ 1
        for _ in 0..<token.count {
            let keyToken = tape[key]
            if JSONText.equal(contents(keyToken), hasEscapes: keyToken.hasEscapes, name) { found = key &+ 1 }
            key = Int(tape[key &+ 1].next)
        }
        return found
    }

    /// The attachment that an object stands for, or nil when it is no placeholder.
    /// - Throws: ``JSONError`` when it is one, but does not name an attachment.
    func placeholder(_ index: Int, _ token: JSONToken) throws -> Int? {
        guard let attachments, token.kind == .object, token.count >= 1,
            let mark = member("_placeholder", of: index, nil), tape[mark].kind == .true
        else { return nil }
        guard let number = member("num", of: index, nil), tape[number].kind == .integer,
            let value = JSONNumber.integer(contents(tape[number]), isInteger: true, as: Int.self),
            attachments.indices.contains(value)
        else { throw JSONError(.invalidPlaceholder, at: Int(token.start)) }
        return value
    }

    /// Checks every placeholder of the text: each names an attachment, and none is named twice.
    func checkPlaceholders() throws {
        guard let attachments else { return }
        var used = [Bool](repeating: false, count: attachments.count)
        for index in 0..<tape.count {
            guard let number = try placeholder(index, tape[index]) else { continue }
            guard !used[number] else { throw JSONError(.invalidPlaceholder, at: Int(tape[index].start)) }
            used[number] = true
        }
    }
}
