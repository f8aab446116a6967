/// A request's trailer section (RFC 9113 8.1) while its fields come in; the limits are those of a header section.
struct HTTP2TrailerBuilder {
    private(set) var block = HTTPHeaderBlock()
    private(set) var refusal: HTTP2Refusal?
    private var budget = HTTP2SectionBudget()

    /// Takes the next field. Once the section is refused its fields are counted only.
    mutating func take(
        name: Span<UInt8>, value: Span<UInt8>, limits: HTTPLimits, http2Limits: HTTP2Limits
    ) -> HTTP2Violation? {
        if let violation = budget.take(name, value, http2Limits) { return violation }
        guard refusal == nil else { return nil }
        do throws(HTTP2Refusal) {
            try budget.check(limits, free: 0)
            block.append(name: name, value: value)
        } catch {
            refusal = error
        }
        return nil
    }
}
