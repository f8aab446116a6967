import ParleyWire

/// A content coding that responses can have (RFC 9110 8.4.1), the preferred one first.
enum ContentCoding: String, CaseIterable, Sendable {
    case gzip
    case deflate

    /// What compresses by it. A stream that stays open for long, as events do, takes 38 KiB, another response 262 KiB.
    func deflaterSettings(level: Int, isLong: Bool) -> DeflaterSettings {
        DeflaterSettings(
            format: self == .gzip ? .gzip : .zlib, level: level, windowBits: isLong ? 12 : 15,
            memoryLevel: isLong ? 5 : 8)
    }
}

/// What an `Accept-Encoding` field comes to (RFC 9110 12.5.3).
struct AcceptedCodings: Sendable {
    /// The coding that is to be used; nil for none.
    let best: ContentCoding?
    /// True when the client takes no response without a coding, but one with.
    let refusesIdentity: Bool

    /// Without a field nothing is coded, though everything would be acceptable: clients that say nothing seldom can.
    init(_ field: String?) {
        guard let field else {
            best = nil
            refusesIdentity = false
            return
        }
        let list = WeightedList(field)
        var best: (coding: ContentCoding, weight: Int)?
        for coding in ContentCoding.allCases {
            let weight = Self.weight(of: coding, in: list)
            if weight > best?.weight ?? 0 { best = (coding, weight) }
        }
        let identity = list.elements.first { $0.name == "identity" }?.weight
        // Only an identity that is named may be preferred.
        if let identity, let found = best, identity > found.weight { best = nil }
        self.best = best?.coding
        refusesIdentity = best != nil && (identity ?? list.weight(of: "*") ?? 1) == 0
    }

    private static func weight(of coding: ContentCoding, in list: WeightedList) -> Int {
        let names = coding == .gzip ? ["gzip", "x-gzip"] : ["deflate"]
        for name in names {
            if let element = list.elements.first(where: { $0.name == name }) { return element.weight }
        }
        return list.weight(of: "*") ?? 0
    }
}
