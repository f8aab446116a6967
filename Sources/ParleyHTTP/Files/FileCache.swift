import ParleyTransport

/// The small files of one mount that were asked for lately, in memory, within a number of bytes.
///
/// One lock for all loops: it is held for one look into a dictionary, and what it guards is read by all of them. When
/// there is no room, files that were not used since the last round go first (the clock algorithm).
final class FileCache: Sendable {
    let options: FileCacheOptions

    fileprivate struct Slot {
        var key: FileCacheKey
        var file: CachedFile
        /// When the file was looked at last.
        var checked: ContinuousClock.Instant
        var isUsed = false

        var cost: Int { file.cost + key.path.utf8.count }
    }

    fileprivate struct Contents {
        var slots: [Slot] = []
        var indices: [FileCacheKey: Int] = [:]
        var cost = 0
        /// Where the next look for a slot to be freed begins.
        var hand = 0
    }

    /// Paths are told apart by their bytes, as file systems do: to Swift's strings several spellings of a character are one.
    fileprivate struct FileCacheKey: Hashable {
        let path: String

        static func == (left: FileCacheKey, right: FileCacheKey) -> Bool {
            left.path.utf8.count == right.path.utf8.count && left.path.utf8.elementsEqual(right.path.utf8)
        }

        func hash(into hasher: inout Hasher) {
            let isHashed: Void? = path.utf8.withContiguousStorageIfAvailable {
                hasher.combine(bytes: UnsafeRawBufferPointer($0))
            }
            guard isHashed == nil else { return }
            // A string that isn't Swift's own: as the bytes above.
            Array(path.utf8).withUnsafeBytes { hasher.combine(bytes: $0) }
        }
    }

    private let contents = Lock(Contents())

    init(options: FileCacheOptions) { self.options = options }

    /// The bytes that are kept now, with what their description counts for.
    var cost: Int { contents.withLock { $0.cost } }

    /// The file of a path, where it was looked at lately enough.
    func fresh(_ key: String, now: ContinuousClock.Instant) -> CachedFile? {
        let key = FileCacheKey(path: key)
        return contents.withLock { contents in
            guard let index = contents.indices[key], now - contents.slots[index].checked < options.validity
            else { return nil }
            contents.slots[index].isUsed = true
            return contents.slots[index].file
        }
    }

    /// The file of a path, if it is still in the state that was found; anything else is forgotten.
    /// - Parameter checked: when the look for that state began.
    func revalidated(_ key: String, _ found: FoundFile, checked: ContinuousClock.Instant) -> CachedFile? {
        let key = FileCacheKey(path: key)
        return contents.withLock { contents in
            guard let index = contents.indices[key] else { return nil }
            guard contents.slots[index].file.isState(of: found) else {
                contents.remove(at: index)
                return nil
            }
            contents.slots[index].checked = max(checked, contents.slots[index].checked)
            contents.slots[index].isUsed = true
            return contents.slots[index].file
        }
    }

    /// Keeps a file, unless there can't be room for it.
    func insert(_ file: CachedFile, for key: String, checked: ContinuousClock.Instant) {
        let key = FileCacheKey(path: key)
        let slot = Slot(key: key, file: file, checked: checked)
        guard slot.cost <= options.capacity else { return }
        contents.withLock { contents in
            if let index = contents.indices[key] { contents.remove(at: index) }
            while contents.cost > options.capacity - slot.cost { contents.removeUnused() }
            contents.indices[key] = contents.slots.count
            contents.slots.append(slot)
            contents.cost += slot.cost
        }
    }

    /// Forgets the file of a path.
    func remove(_ key: String) {
        let key = FileCacheKey(path: key)
        contents.withLock { contents in
            if let index = contents.indices[key] { contents.remove(at: index) }
        }
    }
}

extension FileCache.Contents {
    /// Removes one slot: the next that was not used since the hand passed it last. There is one.
    fileprivate mutating func removeUnused() {
        if hand >= slots.count { hand = 0 }
        while slots[hand].isUsed {
            slots[hand].isUsed = false
            hand = (hand + 1) % slots.count
        }
        remove(at: hand)
    }

    /// Removes a slot; the last one takes its place.
    fileprivate mutating func remove(at index: Int) {
        let removed = slots[index]
        cost -= removed.cost
        indices[removed.key] = nil
        let last = slots.removeLast()
        guard index < slots.count else { return }
        slots[index] = last
        indices[last.key] = index
    }
}
