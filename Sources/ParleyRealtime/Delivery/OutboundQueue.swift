/// What waits for a client that is behind: packets in their order, each with its attachments.
///
/// Dropping the oldest and replacing by key leave gaps, so that both take constant time; gaps are closed when there
/// are more of them than packets.
struct OutboundQueue {
    private struct Entry {
        let frame: EngineFrame
        let attachments: [EngineFrame]
        let cost: Int
        /// Whether it may be dropped to make room.
        let isDroppable: Bool
        let key: CoalescingKey?
    }

    private(set) var count = 0
    private var entries: [Entry?] = []
    private var head = 0
    /// No droppable entry is before this one.
    private var oldest = 0
    private var places: [CoalescingKey: Int] = [:]
    /// The bytes that wait, with 64 for each frame.
    private(set) var bytes = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(
        _ frame: EngineFrame, attachments: [EngineFrame] = [], isDroppable: Bool = false,
        key: CoalescingKey? = nil
    ) {
        let cost = attachments.reduce(frame.cost) { $0 + $1.cost }
        if let key { places[key] = entries.count }
        entries.append(
            Entry(frame: frame, attachments: attachments, cost: cost, isDroppable: isDroppable, key: key))
        count += 1
        bytes += cost
    }

    /// What the packet that waits under this key costs; 0 when none does.
    func cost(of key: CoalescingKey) -> Int { places[key].flatMap { entries[$0]?.cost } ?? 0 }

    /// Takes out what waits under this key; false when nothing does.
    mutating func remove(_ key: CoalescingKey) -> Bool {
        guard let place = places[key] else { return false }
        remove(at: place)
        compact()
        return true
    }

    /// Drops the droppable packet that waits longest; false when there is none.
    mutating func dropOldest() -> Bool {
        oldest = max(oldest, head)
        while oldest < entries.count {
            if entries[oldest]?.isDroppable == true {
                remove(at: oldest)
                compact()
                return true
            }
            oldest += 1
        }
        return false
    }

    /// Takes the first packet.
    mutating func popFirst() -> (frame: EngineFrame, attachments: [EngineFrame])? {
        while head < entries.count {
            let entry = entries[head]
            if entry != nil { remove(at: head) }
            head += 1
            guard let entry else { continue }
            if isEmpty { reset() } else { compact() }
            return (entry.frame, entry.attachments)
        }
        return nil
    }

    /// Takes everything, frame by frame.
    mutating func takeAll() -> [EngineFrame] {
        guard !isEmpty else { return [] }
        defer { reset() }
        var frames: [EngineFrame] = []
        frames.reserveCapacity(count)
        for case let entry? in entries[head...] {
            frames.append(entry.frame)
            frames.append(contentsOf: entry.attachments)
        }
        return frames
    }

    private mutating func remove(at index: Int) {
        guard let entry = entries[index] else { return }
        entries[index] = nil
        count -= 1
        bytes -= entry.cost
        if let key = entry.key, places[key] == index { places[key] = nil }
    }

    private mutating func reset() { self = OutboundQueue() }

    private mutating func compact() {
        guard entries.count > 2 * count + 64 else { return }
        entries = entries[head...].filter { $0 != nil }
        head = 0
        oldest = 0
        places = [:]
        for (index, entry) in entries.enumerated() {
            if let key = entry?.key { places[key] = index }
        }
    }
}
