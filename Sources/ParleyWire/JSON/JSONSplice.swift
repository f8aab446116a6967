/// A frame that was closed, and where its output ends (before its closing bracket).
struct JSONClosedFrame {
    var frame: JSONFrame
    var end: Int
    /// True while a splice writes to it.
    var isOpen = false
}

/// A write into the middle of the output, under way: what follows the place is held here meanwhile.
///
/// Costs time in proportion to what follows, so it is for the rare program that needs it: one that goes on with an
/// inner container after it used the outer one, or that keeps a super encoder for later.
struct JSONSplice {
    var tail: [UInt8]
    /// Which of the closed frames is open again, and where it ended before.
    var closedIndex: Int
    var formerEnd: Int
    /// Where the tail began before.
    var formerTail: Int
    /// How many frames were open and closed before.
    var height: Int
    var closedCount: Int
}

extension JSONEncodingSession {
    /// Which closed frame that is; nil for one that is gone, that is being written to, or that stands in a part of
    /// the output which a splice under way has taken away.
    private func closedIndex(_ handle: JSONHandle) -> Int? {
        guard let index = closed.lastIndex(where: { $0.frame.serial == handle.serial }), !closed[index].isOpen
        else { return nil }
        let isAway = splices.contains { index < $0.closedCount && closed[index].end > $0.formerEnd }
        return isAway ? nil : index
    }

    /// Opens a closed frame again, by taking away what follows it.
    @inline(never)
    func beginSplice(_ handle: JSONHandle) throws {
        guard let index = closedIndex(handle) else { throw JSONEncodingSession.notOpen.encodingError([]) }
        let entry = closed[index]
        var tail = Array(output.bytes[entry.end...])
        output.truncate(to: entry.end)
        let isPending = entry.frame.kind == .pending
        if isPending {
            // Its two braces stand for nothing that was written.
            output.truncate(to: entry.end - 1)
            tail.removeFirst()
        }
        closed[index].isOpen = true
        splices.append(
            JSONSplice(
                tail: tail, closedIndex: index, formerEnd: entry.end,
                formerTail: entry.end + (isPending ? 1 : 0), height: outer.count,
                closedCount: closed.count))
        outer.append(top)
        top = entry.frame
    }

    /// Closes the frame again, and puts back what follows it.
    @inline(never)
    func endSplice() {
        guard let splice = splices.popLast() else { return }
        while outer.count > splice.height + 1 { closeTop() }
        let frame = top
        top = outer.removeLast()
        if frame.kind == .pending { output.append(UInt8(ascii: "{")) }
        let end = output.count
        if frame.kind == .pending { output.append(UInt8(ascii: "}")) }
        let shift = output.count - splice.formerTail
        closed[splice.closedIndex] = JSONClosedFrame(frame: frame, end: end)
        for index in 0..<splice.closedCount
        where index != splice.closedIndex && closed[index].end > splice.formerEnd {
            closed[index].end += shift
        }
        top.location = shifted(top.location, from: splice.formerEnd, by: shift)
        for index in outer.indices {
            outer[index].location = shifted(outer[index].location, from: splice.formerEnd, by: shift)
        }
        splice.tail.withUnsafeBufferPointer { output.append($0) }
    }

    private func shifted(
        _ location: JSONFrame.Location, from former: Int, by shift: Int
    ) -> JSONFrame.Location {
        guard case .key(let offset) = location, offset >= former else { return location }
        return .key(offset: offset + shift)
    }

    /// Makes a pending frame an object or an array, also one that was closed. Does nothing to a frame of another
    /// kind: every use of the container then throws.
    func open(_ handle: JSONHandle, as kind: JSONFrame.Kind) {
        if bringToTop(handle) {
            guard top.kind == .pending else { return }
            top.kind = kind
            return writeOpening(kind)
        }
        guard let index = closedIndex(handle), closed[index].frame.kind == .pending else { return }
        closed[index].frame.kind = kind
        if kind == .array {
            output.replace(at: closed[index].end - 1, with: UInt8(ascii: "["))
            output.replace(at: closed[index].end, with: UInt8(ascii: "]"))
        }
    }
}
