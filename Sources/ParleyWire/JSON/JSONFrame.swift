/// An array, object or value that is being written.
struct JSONFrame {
    enum Kind: UInt8 {
        /// Nothing was written yet: it becomes an object, an array or a single value.
        case pending
        case object, array
        /// A single value was written.
        case finished
    }

    /// Where a value is in the frame around it.
    enum Location {
        /// In a single value container, or at the root.
        case none
        /// Behind the key that the output holds at this offset.
        case key(offset: Int)
        case index(Int)
    }

    var location: Location
    var kind: Kind
    /// True for an inner container or super encoder, which may be used after it was closed.
    var isReusable: Bool
    /// Tells this frame from every other one of the call.
    var serial: UInt32
    /// The elements or members written so far.
    var count: UInt32 = 0

    init(kind: Kind, serial: UInt32, location: Location, isReusable: Bool) {
        self.kind = kind
        self.serial = serial
        self.location = location
        self.isReusable = isReusable
    }
}

/// How a container names its frame.
struct JSONHandle {
    /// How many frames are around it.
    var index: UInt32
    var serial: UInt32
}
