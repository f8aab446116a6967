/// Finds an event's handlers by the bytes of its name, so that no string is made, nor hashed with a secret, for each event.
/// Nobody but the application chooses what is in it.
struct EventIndex: Sendable {
    /// A name as clients compare it: by its bytes, where Swift's strings are equal if they look the same.
    struct Name: Hashable, Sendable {
        let bytes: [UInt8]

        init(_ name: String) { bytes = Array(name.utf8) }

        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// An event that has handlers.
    final class Entry: Sendable {
        let name: String
        let isReserved: Bool
        let handlers: [EventHandler]
        /// The handler, where there is one for every time, and the name may be a client's.
        let only: EventHandler?
        fileprivate let bytes: [UInt8]

        fileprivate init(_ name: Name, _ handlers: [EventHandler]) {
            self.name = name.text
            self.handlers = handlers
            bytes = name.bytes
            isReserved = EventName.isReserved(self.name)
            only = handlers.count == 1 && !handlers[0].isOnce && !isReserved ? handlers[0] : nil
        }
    }

    /// Open addressing: half of the places are free, so that every search ends. Their number is a power of two. Unmanaged, as
    /// all loops search here: each would count references that the others count.
    private var places: [Unmanaged<Entry>?] = []
    /// Holds them.
    private let entries: [Entry]

    init(_ events: [Name: [EventHandler]]) {
        entries = events.map { Entry($0.key, $0.value) }
        guard !entries.isEmpty else { return }
        places = Array(repeating: nil, count: 2)
        while places.count < entries.count * 2 { places += places }
        for entry in entries {
            let bytes = entry.bytes
            var place = Self.hash(bytes.span) & (places.count - 1)
            while places[place] != nil { place = (place + 1) & (places.count - 1) }
            places[place] = .passUnretained(entry)
        }
    }

    /// The entry of a name, which lives as long as the index.
    func find(_ name: Span<UInt8>) -> Unmanaged<Entry>? {
        guard !places.isEmpty else { return nil }
        var place = Self.hash(name) & (places.count &- 1)
        while let entry = places[place] {
            if entry._withUnsafeGuaranteedRef({ Self.areEqual($0.bytes, name) }) { return entry }
            place = (place &+ 1) & (places.count &- 1)
        }
        return nil
    }

    /// FNV-1a.
    private static func hash(_ name: Span<UInt8>) -> Int {
        var hash: UInt = 0xcbf2_9ce4_8422_2325
        for index in name.indices { hash = (hash ^ UInt(name[index])) &* 0x100_0000_01b3 }
        return Int(truncatingIfNeeded: (hash ^ (hash &>> 32)) & UInt(Int.max))
    }

    private static func areEqual(_ left: [UInt8], _ right: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        for index in left.indices where left[index] != right[index] { return false }
        return true
    }
}
