/// The members of a large object by name, so that reading them all takes linear time.
///
/// The hash is seeded per process, so a peer cannot choose keys that collide.
final class JSONKeyIndex {
    /// Objects of at most this many members are searched from front to back instead.
    static let threshold = 16

    /// Tokens of values plus one, in an open-addressing table at most half full; 0 is free.
    private var slots: [UInt32]

    /// Indexes an object of the session's text. Of a repeated key the last value counts.
    init(_ session: JSONDecodingSession, object: Int) {
        let count = Int(session.tape[object].count)
        var size = 32
        while size < count * 2 { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
        var key = object + 1
        for _ in 0..<count {
            let token = session.tape[key]
            let contents = session.contents(token)
            if token.hasEscapes {
                var name = JSONText.unescaped(contents)
                name.withUTF8 { insert($0, value: key + 1, session) }
            } else {
                insert(contents, value: key + 1, session)
            }
            key = Int(session.tape[key + 1].next)
        }
    }

    /// The token of the member of that name, or nil.
    func value(_ name: UnsafeBufferPointer<UInt8>, in session: JSONDecodingSession) -> Int? {
        let slot = slots[find(name, session)]
        return slot == 0 ? nil : Int(slot) - 1
    }

    private func insert(_ name: UnsafeBufferPointer<UInt8>, value: Int, _ session: JSONDecodingSession) {
        slots[find(name, session)] = UInt32(truncatingIfNeeded: value + 1)
    }

    /// The slot of that name, or the free slot where it belongs.
    private func find(_ name: UnsafeBufferPointer<UInt8>, _ session: JSONDecodingSession) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: UnsafeRawBufferPointer(name))
        let mask = slots.count - 1
        var position = hasher.finalize() & mask
        while slots[position] != 0 {
            let key = session.tape[Int(slots[position]) - 2]
            if JSONText.equal(session.contents(key), hasEscapes: key.hasEscapes, name) { break }
            position = (position + 1) & mask
        }
        return position
    }
}
