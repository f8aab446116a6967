import ParleyTransport

/// A state of a file in memory, with every field of its responses, in all codings that there are.
final class CachedFile: Sendable {
    struct Variant: Sendable {
        let coding: PrecompressedCoding?
        let status: FileStatus
        /// Nil for one that is too large to be kept.
        let representation: FileRepresentation?
    }

    let variants: [Variant]
    private let codings: [PrecompressedCoding]
    /// The bytes that count towards the cache's capacity.
    let cost: Int

    /// Reads a file. Nil when it isn't worth being kept, or may change unseen. May block.
    /// - Parameter now: the present in seconds since 1970.
    init?(reading found: FoundFile, traits: FileTraits, options: FileCacheOptions, now: Int64) throws {
        var variants: [Variant] = []
        var cost = 0
        for variant in found.variants {
            let status = variant.file.status
            guard status.isSettled(for: options.settlingTime, now: now) else { return nil }
            var representation: FileRepresentation?
            if status.size <= UInt64(clamping: options.largestFile) {
                let bytes = try variant.file.descriptor.read(Int(status.size), from: 0)
                // It may have been written to while it was read.
                guard try variant.file.descriptor.status() == status else { return nil }
                representation = FileRepresentation(
                    source: .memory(bytes), status: status, coding: variant.coding, traits: traits, now: now)
                cost += bytes.count
            }
            cost += Self.overhead
            variants.append(
                Variant(coding: variant.coding, status: status, representation: representation))
        }
        guard variants.contains(where: { $0.representation != nil }) else { return nil }
        self.variants = variants
        self.cost = cost
        codings = variants.compactMap(\.coding)
    }

    /// What a variant counts for beside its bytes: fields, the key, the slot.
    static let overhead = 1024

    /// True when the files that were found are the ones that were read, unchanged.
    func isState(of found: FoundFile) -> Bool {
        variants.count == found.variants.count
            && zip(variants, found.variants).allSatisfy {
                $0.coding == $1.coding && $0.status == $1.file.status
            }
    }

    /// The representation for a request; nil when that one isn't in memory.
    func representation(for selection: FileSelection) -> FileRepresentation? {
        guard !codings.isEmpty else { return variants[0].representation }
        let coding = PrecompressedCoding.choice(among: codings, acceptEncoding: selection.acceptEncoding)
        return variants.first { $0.coding == coding }?.representation
    }
}
