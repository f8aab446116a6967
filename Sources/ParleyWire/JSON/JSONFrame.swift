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

    var kind: Kind
    /// Tells this frame from earlier ones at the same depth.
    var serial: UInt32
    /// The elements or members written so far.
    var count = 0
    var location: Location
    /// True for an inner container or super encoder, which may be used after it was closed.
    var isReusable: Bool

    init(kind: Kind, serial: UInt32, location: Location, isReusable: Bool) {
        self.kind = kind
        self.serial = serial
        self.location = location
        self.isReusable = isReusable
    }
}

/// How a container names its frame.
struct JSONHandle {
    /// The frame's place among the open ones.
    var index: UInt32
    var serial: UInt32
}

/// A frame that was closed, and where its output ends (before its closing bracket).
struct JSONClosedFrame {
    var frame: JSONFrame
    var end: Int
}

/// A write into the middle of the output, under way: what follows the place is held here meanwhile.
struct JSONSplice {
    var tail: [UInt8]
    /// Which of the closed frames is open again, and where it ended before.
    var closedIndex: Int
    var formerEnd: Int
    /// How many frames were open and closed before.
    var height: Int
    var closedCount: Int
}

extension JSONEncodingSession {
    /// Opens a closed frame again, by taking away what follows it. Costs time in proportion to that.
    @inline(never)
    func beginSplice(_ handle: JSONHandle) throws -> JSONSplice {
        guard let index = closed.lastIndex(where: { $0.frame.serial == handle.serial }),
            closed[index].end <= bytes.count
        else { throw JSONEncodingSession.notOpen.encodingError([]) }
        let frame = closed[index].frame
        let end = closed[index].end
        var tail = Array(bytes[end...])
        bytes.removeLast(tail.count)
        if frame.kind == .pending {
            // Its two braces stand for nothing that was written.
            bytes.removeLast()
            tail.removeFirst()
        }
        // Cannot be opened twice at a time.
        closed[index].end = .max
        let splice = JSONSplice(
            tail: tail, closedIndex: index, formerEnd: end, height: frames.count, closedCount: closed.count)
        frames.append(frame)
        return splice
    }

    /// Closes the frame again, and puts back what follows it.
    @inline(never)
    func endSplice(_ splice: JSONSplice) {
        while frames.count > splice.height + 1 { closeTop() }
        let frame = frames.removeLast()
        if frame.kind == .pending { bytes.append(UInt8(ascii: "{")) }
        let end = bytes.count
        if frame.kind == .pending { bytes.append(UInt8(ascii: "}")) }
        var shift = end - splice.formerEnd
        // A single value has taken the place of two braces.
        if frame.kind == .finished { shift -= 1 }
        for index in 0..<splice.closedCount where closed[index].end > splice.formerEnd {
            if closed[index].end != .max { closed[index].end += shift }
        }
        closed[splice.closedIndex] = JSONClosedFrame(frame: frame, end: end)
        for index in frames.indices {
            guard case .key(let offset) = frames[index].location, offset >= splice.formerEnd else { continue }
            frames[index].location = .key(offset: offset + shift)
        }
        bytes.append(contentsOf: splice.tail)
    }

    /// Makes a pending frame an object or an array, also one that was closed; false when it is of another kind.
    func open(_ handle: JSONHandle, as kind: JSONFrame.Kind) -> Bool {
        if bringToTop(handle) {
            let top = frames.count - 1
            guard frames[top].kind == .pending else { return frames[top].kind == kind }
            frames[top].kind = kind
            writeOpening(kind)
            return true
        }
        guard let index = closed.lastIndex(where: { $0.frame.serial == handle.serial }),
            closed[index].end < bytes.count
        else { return false }
        guard closed[index].frame.kind == .pending else { return closed[index].frame.kind == kind }
        closed[index].frame.kind = kind
        if kind == .array {
            bytes[closed[index].end - 1] = UInt8(ascii: "[")
            bytes[closed[index].end] = UInt8(ascii: "]")
        }
        return true
    }
}
