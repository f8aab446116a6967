/// A content coding (RFC 9110 8.4.1) in which files may lie compressed beside the original.
public struct PrecompressedCoding: Sendable, Hashable {
    /// The coding's name, as `Accept-Encoding` and `Content-Encoding` have it, in lower case.
    public let name: String
    /// What is appended to the original's name: `.br`.
    public let suffix: String

    /// A coding that is not among those below.
    public init(name: String, suffix: String) {
        self.name = name
        self.suffix = suffix
    }

    /// Brotli (RFC 7932): `.br`.
    public static let brotli = PrecompressedCoding(name: "br", suffix: ".br")
    /// Zstandard (RFC 8878): `.zst`.
    public static let zstandard = PrecompressedCoding(name: "zstd", suffix: ".zst")
    /// Gzip (RFC 1952): `.gz`.
    public static let gzip = PrecompressedCoding(name: "gzip", suffix: ".gz")

    /// The one of some codings that an `Accept-Encoding` field likes best, the earlier of two that it likes equally;
    /// nil for none, which is the original (RFC 9110 12.5.3).
    ///
    /// The original is sent where the field gives it more weight, and where nothing at all is acceptable: that helps
    /// more than a refusal would, and whatever stands in front may still compress it.
    static func choice(among codings: [PrecompressedCoding], acceptEncoding: String?) -> PrecompressedCoding?
    {
        guard let acceptEncoding, !codings.isEmpty else { return nil }
        let list = WeightedList(acceptEncoding)
        // Only where the field names it has the original a weight of its own.
        let identity = list.elements.first { $0.name == "identity" }?.weight ?? 0
        var best: (coding: PrecompressedCoding, weight: Int)?
        for coding in codings {
            let weight = weight(of: coding.name, in: list)
            if weight > 0, weight >= identity, weight > best?.weight ?? 0 { best = (coding, weight) }
        }
        return best?.coding
    }

    /// The weight of a coding; `x-gzip` is gzip (RFC 9110 8.4.1.3).
    private static func weight(of name: String, in list: WeightedList) -> Int {
        if name == "gzip", !list.elements.contains(where: { $0.name == name }),
            let alias = list.elements.first(where: { $0.name == "x-gzip" })
        {
            return alias.weight
        }
        return list.weight(of: name) ?? 0
    }
}
