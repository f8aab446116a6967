/// The last events of a namespace, each encoded once and shared with the broadcast that it was: numbered from 1, and
/// bounded by count and bytes, the oldest out first.
struct RecoveryLog {
    private struct Entry {
        let packet: EncodedPacket
        let target: BroadcastTarget
    }

    private let maxPackets: Int
    private let maxBytes: Int
    private var entries: [Entry?] = []
    private var head = 0
    private(set) var bytes = 0
    /// The number of the latest event.
    private(set) var last: UInt64 = 0

    init(maxPackets: Int, maxBytes: Int) {
        self.maxPackets = max(0, maxPackets)
        self.maxBytes = max(0, maxBytes)
    }

    var count: Int { entries.count - head }

    /// The number of the latest event that is not there any more.
    var dropped: UInt64 { last - UInt64(count) }

    /// Adds the event whose number is `last + 1`.
    mutating func append(_ packet: EncodedPacket, to target: BroadcastTarget) {
        last += 1
        entries.append(Entry(packet: packet, target: target))
        bytes += packet.cost
        while count > 0, count > maxPackets || bytes > maxBytes { dropFirst() }
        compact()
    }

    /// Forgets the events up to this number.
    mutating func drop(through number: UInt64) {
        while count > 0, dropped < number { dropFirst() }
        compact()
    }

    private mutating func dropFirst() {
        bytes -= entries[head]?.packet.cost ?? 0
        entries[head] = nil
        head += 1
    }

    private mutating func compact() {
        if head == entries.count {
            entries = []
            head = 0
        } else if head > 64, head > entries.count / 2 {
            entries.removeFirst(head)
            head = 0
        }
    }

    /// The events behind this number that were meant for a socket with this id and in these rooms, in their order, and
    /// the number of the last of them.
    func events(
        after number: UInt64, id: String, rooms: Set<String>
    ) -> (packets: [EncodedPacket], last: UInt64?) {
        let start = max(number, dropped)
        guard start < last else { return ([], nil) }
        var packets: [EncodedPacket] = []
        var latest: UInt64?
        for next in (start + 1)...last {
            guard let entry = entries[head + Int(next - dropped) - 1],
                entry.target.covers(id: id, rooms: rooms)
            else { continue }
            packets.append(entry.packet)
            latest = next
        }
        return (packets, latest)
    }
}

extension EncodedPacket {
    /// The bytes that the packet holds, for bounding queues.
    var cost: Int { attachments.reduce(frame.cost) { $0 + $1.cost } }
}

extension BroadcastTarget {
    /// Whether a broadcast to this target reaches a socket that is in these rooms, beside its own.
    func covers(id: String, rooms members: Set<String>) -> Bool {
        guard sender != id else { return false }
        func isIn(_ room: String) -> Bool { room == id || members.contains(room) }
        return (rooms.isEmpty || rooms.contains(where: isIn)) && !except.contains(where: isIn)
    }
}
