/// One token of an indexed text, in 16 bytes.
struct JSONToken {
    var kind: JSONKind
    /// True for a string whose contents hold escape sequences.
    var hasEscapes: Bool
    /// The first byte; of a string, the first byte behind its quote.
    var start: UInt32
    /// The length in bytes of a number or of a string's contents; the elements of an array; the members of an object.
    var count: UInt32
    /// The index of the token behind this value, all that it holds included.
    var next: UInt32
}

/// The tokens of one text in the order of the text: a value is followed by what it holds, a key by its value.
///
/// The memory belongs to the ``JSONDecodingSession``, which frees it; nothing may be read after that.
struct JSONTape: JSONTokenSink {
    private(set) var count = 0
    private var capacity: Int
    private var tokens: UnsafeMutablePointer<JSONToken>

    /// An empty tape, on which a small text needs no further allocation.
    init() {
        capacity = 48
        tokens = .allocate(capacity: capacity)
    }

    /// Frees the memory. The tape is empty then, and stays so.
    mutating func deallocate() {
        tokens.deallocate()
        count = 0
    }

    /// The token at an index that must be below ``count``.
    @inline(__always)
    subscript(index: Int) -> JSONToken {
        precondition(index >= 0 && index < count)
        return tokens[index]
    }

    /// The tokens before an index, for loops that follow ``JSONToken/next`` no further than that.
    @inline(__always)
    func tokens(upTo end: Int) -> UnsafeMutablePointer<JSONToken> {
        precondition(end <= count)
        return tokens
    }

    @inline(__always)
    private mutating func append(_ kind: JSONKind, _ start: Int, _ length: Int, hasEscapes: Bool = false) {
        if count == capacity { grow() }
        // Offsets fit: a text of 4 GiB and more is refused before it is indexed.
        (tokens + count).initialize(
            to: JSONToken(
                kind: kind, hasEscapes: hasEscapes, start: UInt32(truncatingIfNeeded: start),
                count: UInt32(truncatingIfNeeded: length), next: UInt32(truncatingIfNeeded: count &+ 1)))
        count &+= 1
    }

    @inline(never)
    private mutating func grow() {
        let larger = UnsafeMutablePointer<JSONToken>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: tokens, count: count)
        tokens.deallocate()
        tokens = larger
        capacity *= 2
    }

    @inline(__always)
    mutating func literal(_ kind: JSONKind, at offset: Int) { append(kind, offset, 0) }

    @inline(__always)
    mutating func number(_ number: JSONNumberRange) {
        append(number.isInteger ? .integer : .decimal, number.range.lowerBound, number.range.count)
    }

    @inline(__always)
    mutating func string(_ string: JSONStringRange) {
        append(.string, string.contents.lowerBound, string.contents.count, hasEscapes: string.hasEscapes)
    }

    @inline(__always)
    mutating func begin(_ kind: JSONKind, at offset: Int) -> Int {
        append(kind, offset, 0)
        return count &- 1
    }

    @inline(__always)
    mutating func end(_ token: Int, count elements: Int) {
        tokens[token].count = UInt32(truncatingIfNeeded: elements)
        tokens[token].next = UInt32(truncatingIfNeeded: count)
    }
}
