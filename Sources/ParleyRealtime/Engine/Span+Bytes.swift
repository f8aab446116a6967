extension Span where Element == UInt8 {
    /// Whether these are the bytes of the text.
    func isEqual(to text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in 0..<count where self[index] != text.utf8Start[index] { return false }
        return true
    }
}

extension Array where Element == UInt8 {
    /// A copy of the bytes.
    init(span: Span<UInt8>) {
        self = span.withUnsafeBufferPointer { Array($0) }
    }
}
