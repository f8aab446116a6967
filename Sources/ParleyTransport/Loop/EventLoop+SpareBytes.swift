import CUV

// By the thread rather than by the loop: whoever encodes for a moment has no use for the loop itself.
extension EventLoop {
    /// Longer arrays are not worth their memory.
    private static let longestSpare = 4096

    /// An empty array, with room on a loop's thread: for a packet that is likely to be copied into an outbox and let go of at
    /// once.
    package static func takeSpareBytes() -> [UInt8] {
        withCurrent { loop in
            var taken: [UInt8] = []
            swap(&taken, &loop.spareBytes)
            // Where somebody still holds the packet this makes a new array, and leaves it the old one.
            taken.removeAll(keepingCapacity: true)
            return taken
        } ?? []
    }

    /// Gives the array of a packet back that was sent.
    package static func giveBack(_ bytes: [UInt8]) {
        guard bytes.capacity <= longestSpare else { return }
        withCurrent { $0.spareBytes = bytes }
    }

    @discardableResult
    private static func withCurrent<Result>(_ body: (EventLoop) -> Result) -> Result? {
        guard let pointer = pthread_getspecific(key) else { return nil }
        return Unmanaged<EventLoop>.fromOpaque(pointer)._withUnsafeGuaranteedRef(body)
    }
}
