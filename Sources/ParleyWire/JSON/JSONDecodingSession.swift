/// One call that decodes: the text, its tokens, and its attachments.
///
/// The text is only borrowed. ``close()`` ends the session before the borrow ends, and empties the tape; every
/// access goes through ``token(_:)``, so a decoder or container that escaped its `init(from:)` throws from then on.
final class JSONDecodingSession {
    @exclusivity(unchecked) private(set) var text: UnsafeBufferPointer<UInt8>
    @exclusivity(unchecked) private(set) var tape: JSONTape
    /// The indexes of large objects, by the objects' tokens; each made when it is first needed.
    @exclusivity(unchecked) private var indexes: [Int: JSONKeyIndex] = [:]
    /// The attachments of a Socket.IO packet; nil when binary is Base64.
    let attachments: [[UInt8]]?
    /// The argument's position, which begins the coding path; nil for a text of its own.
    let position: Int?

    /// Validates and indexes the value at the scanner's offset, which is token 0 then, and moves the scanner behind it.
    ///
    /// The caller must call ``close()`` before the span's lifetime ends.
    /// - Parameter isWhole: whether nothing but white space may follow the value.
    init(
        _ bytes: Span<UInt8>, _ scanner: inout JSONScanner, attachments: [[UInt8]]?, position: Int? = nil,
        isWhole: Bool = false
    ) throws(JSONError) {
        guard bytes.count < Int(UInt32.max) else { throw JSONError(.tooLong, at: 0) }
        var tape = JSONTape()
        do {
            try scanner.scanValue(bytes, into: &tape, depth: scanner.maximumDepth)
            if isWhole { try scanner.expectEnd(bytes) }
        } catch {
            tape.deallocate()
            throw error
        }
        // The pointer outlives the closure, but not the span: a span's bytes stay in place while it lives, and
        // close() forgets the pointer before that ends.
        text = bytes.withUnsafeBufferPointer { $0 }
        self.tape = tape
        self.attachments = attachments
        self.position = position
    }

    /// Forgets the text. Every later use of a decoder or container of this session throws.
    func close() {
        tape.deallocate()
        text = UnsafeBufferPointer(start: nil, count: 0)
        indexes = [:]
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
        // In bounds: the scanner has found the token in this text, and a closed session has no tokens.
        guard let base = text.baseAddress else { return text }
        return UnsafeBufferPointer(start: base + Int(token.start), count: Int(token.count))
    }

    /// Whether a value is null; a missing one (of a super decoder) counts as null.
    @inline(__always)
    func isNull(_ index: Int) -> Bool {
        index < 0 || index >= tape.count || tape[index].kind == .null
    }

    /// The value of an object's member, the last one of that name, or nil.
    func member(_ key: String, of object: Int) -> Int? {
        guard object >= 0, object < tape.count, tape[object].kind == .object else { return nil }
        var key = key
        return key.withUTF8 { name in
            tape[object].count > JSONKeyIndex.threshold
                ? index(of: object).value(name, in: self) : scan(name, tape[object], object)
        }
    }

    private func index(of object: Int) -> JSONKeyIndex {
        if let index = indexes[object] { return index }
        let index = JSONKeyIndex(self, object: object)
        indexes[object] = index
        return index
    }

    @inline(__always)
    private func scan(_ name: UnsafeBufferPointer<UInt8>, _ token: JSONToken, _ object: Int) -> Int? {
        // One check for all members: an object's tokens end before the tape does, and a key's bytes before the text.
        let tokens = tape.tokens(upTo: Int(token.next))
        let length = UInt32(truncatingIfNeeded: name.count)
        var found: Int?
        var key = object &+ 1
        for _ in 0..<token.count {
            let keyToken = tokens[key]
            if keyToken.hasEscapes || keyToken.count == length,
                JSONText.equal(contents(keyToken), hasEscapes: keyToken.hasEscapes, name)
            {
                found = key &+ 1
            }
            key = Int(tokens[key &+ 1].next)
        }
        return found
    }

    /// The attachment that an object stands for, or nil when it is no placeholder.
    /// - Throws: ``JSONError`` when it is one, but does not name an attachment.
    func placeholder(_ index: Int, _ token: JSONToken) throws(JSONError) -> Int? {
        guard let attachments, token.kind == .object, let mark = scan("_placeholder", token, index),
            tape[mark].kind == .true
        else { return nil }
        guard let number = scan("num", token, index), tape[number].kind == .integer,
            let value = JSONNumber.integer(contents(tape[number]), isInteger: true, as: Int.self),
            attachments.indices.contains(value)
        else { throw JSONError(.invalidPlaceholder, at: Int(token.start)) }
        return value
    }

    private func scan(_ name: StaticString, _ token: JSONToken, _ object: Int) -> Int? {
        scan(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), token, object)
    }

    /// Checks every placeholder of the text: each names an attachment, and none is named twice.
    func checkPlaceholders() throws(JSONError) {
        guard let attachments, !attachments.isEmpty else { return }
        var used = [Bool](repeating: false, count: attachments.count)
        for index in 0..<tape.count {
            guard let number = try placeholder(index, tape[index]) else { continue }
            guard !used[number] else { throw JSONError(.invalidPlaceholder, at: Int(tape[index].start)) }
            used[number] = true
        }
    }
}
