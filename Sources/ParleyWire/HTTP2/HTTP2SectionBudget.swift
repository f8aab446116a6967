/// What a header or trailer section may still take before a limit is reached: soft limits refuse the request, those far
/// beyond them end the connection, as everything has to be decompressed to keep the peers' states alike.
struct HTTP2SectionBudget {
    private var bytes = 0
    private var fields = 0

    /// Counts a field.
    /// - Returns: why the connection is to be ended.
    mutating func take(_ name: Span<UInt8>, _ value: Span<UInt8>, _ limits: HTTP2Limits) -> HTTP2Violation? {
        fields += 1
        // Bounded by what the decompressor lets through, 64 KiB a field.
        bytes += name.count + value.count + 32
        guard fields <= limits.connectionHeaderCount else {
            return .limit("connectionHeaderCount: far too many header fields")
        }
        guard bytes <= limits.connectionHeaderBytes else {
            return .limit("connectionHeaderBytes: the header section is far too long")
        }
        return nil
    }

    /// Throws when the fields that were counted are more than a request may have.
    /// - Parameter free: fields that don't count.
    func check(_ limits: HTTPLimits, free: Int) throws(HTTP2Refusal) {
        guard fields <= limits.headerCount + free else { throw .tooManyFields }
        guard bytes <= limits.headerSectionBytes else { throw .sectionTooLong }
    }
}
