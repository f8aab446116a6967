/// What a token of a JSON text is.
enum JSONKind: UInt8 {
    case null, `false`, `true`
    /// A number without fraction and exponent.
    case integer
    /// Any other number.
    case decimal
    case string, array, object
}

/// A number, as ``JSONScanner/scanNumber(_:)`` found it.
struct JSONNumberRange {
    var range: Range<Int>
    /// True when the number has neither a fraction nor an exponent.
    var isInteger: Bool
}

/// The receiver of what the scanner finds, so that validating and indexing are one piece of code.
///
/// An object's keys arrive as strings, each before its value.
protocol JSONTokenSink {
    mutating func literal(_ kind: JSONKind, at offset: Int)
    mutating func number(_ number: JSONNumberRange)
    mutating func string(_ string: JSONStringRange)
    /// An array or object begins. The result is given back to ``end(_:count:)``.
    mutating func begin(_ kind: JSONKind, at offset: Int) -> Int
    /// The array or object has ended, with that many elements or members.
    mutating func end(_ token: Int, count: Int)
}

/// The sink of a scanner that only validates.
struct JSONDiscard: JSONTokenSink {
    @inline(__always) mutating func literal(_ kind: JSONKind, at offset: Int) {}
    @inline(__always) mutating func number(_ number: JSONNumberRange) {}
    @inline(__always) mutating func string(_ string: JSONStringRange) {}
    @inline(__always) mutating func begin(_ kind: JSONKind, at offset: Int) -> Int { 0 }
    @inline(__always) mutating func end(_ token: Int, count: Int) {}
}
