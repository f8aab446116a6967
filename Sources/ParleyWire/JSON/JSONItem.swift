/// A member, element or single value that is being written, and what to go back to if it cannot be.
struct JSONItem {
    /// Where the item is in its frame.
    var location: JSONFrame.Location
    /// How many frames are around the item's own frame.
    var height: Int
    /// The length of the output, and the numbers of attachments and closed frames, before the item.
    var start: Int
    var attachmentCount: Int
    var closedCount: Int
    /// What the frame was before the item.
    var kind: JSONFrame.Kind
    /// True for an item in a frame that was closed already.
    var isSpliced: Bool
}

extension JSONEncodingSession {
    /// Begins a member of an object: everything up to its value.
    func beginMember(_ handle: JSONHandle, _ key: String) throws -> JSONItem {
        var item = try begin(handle, .object)
        if top.count != 0 { output.append(UInt8(ascii: ",")) }
        item.location = .key(offset: output.count)
        JSONWriter.write(key, to: &output)
        output.append(UInt8(ascii: ":"))
        return item
    }

    /// Begins an element of an array.
    func beginElement(_ handle: JSONHandle) throws -> JSONItem {
        var item = try begin(handle, .array)
        if top.count != 0 { output.append(UInt8(ascii: ",")) }
        item.location = .index(Int(top.count))
        return item
    }

    /// Begins the one value of a single value container.
    func beginSingle(_ handle: JSONHandle) throws -> JSONItem {
        let item = try begin(handle, .pending)
        top.kind = .finished
        return item
    }

    @inline(__always)
    private func begin(_ handle: JSONHandle, _ kind: JSONFrame.Kind) throws -> JSONItem {
        var isSpliced = false
        if !bringToTop(handle) {
            try beginSplice(handle)
            isSpliced = true
        }
        let item = JSONItem(
            location: .none, height: outer.count, start: output.count,
            attachmentCount: attachments.buffers.count, closedCount: closed.count, kind: top.kind,
            isSpliced: isSpliced)
        guard item.kind == kind else { throw cancel(item, JSONEncodingSession.notOpen) }
        return item
    }

    static let notOpen = JSONUnencodable(
        value: "", reason: "a container is used after its value ended, for a second value, or as another kind"
    )

    /// Ends an item that was written.
    @inline(__always)
    func end(_ item: JSONItem) {
        // An inner container may be open on top; it closes when its outer one is used again.
        if outer.count == item.height { top.count &+= 1 } else { outer[item.height].count &+= 1 }
        if item.isSpliced { endSplice() }
    }

    /// Takes back what was written of an item, so that the caller may catch the error and go on.
    /// - Returns: the error to throw, with the item's coding path.
    @inline(never)
    func cancel(_ item: JSONItem, _ error: any Error) -> any Error {
        let failure = error as? JSONUnencodable
        let reported = failure.map { $0.encodingError(codingPath(item.height) + component(item.location)) }
        closed.removeLast(closed.count - item.closedCount)
        output.truncate(to: item.start)
        attachments.buffers.removeLast(attachments.buffers.count - item.attachmentCount)
        if outer.count > item.height {
            top = outer[item.height]
            outer.removeLast(outer.count - item.height)
        }
        top.kind = item.kind
        if item.isSpliced { endSplice() }
        return reported ?? error
    }

    /// Opens an inner container or super encoder as an item.
    /// - Returns: a handle to its frame; when it cannot be opened, one to no frame, of which every use throws.
    func inner(_ kind: JSONFrame.Kind, _ begin: (JSONEncodingSession) throws -> JSONItem) -> JSONHandle {
        // Codable has no error here.
        guard let item = try? begin(self) else { return JSONHandle(index: .max, serial: .max) }
        let handle = push(kind, at: item.location, isReusable: true)
        end(item)
        return handle
    }

    /// The coding path of an open frame; empty for others.
    func codingPath(of handle: JSONHandle) -> [any CodingKey] {
        let index = Int(handle.index)
        if index == outer.count, top.serial == handle.serial { return codingPath(index) }
        return index < outer.count && outer[index].serial == handle.serial ? codingPath(index) : []
    }

    /// How many elements a frame holds.
    func count(of handle: JSONHandle) -> Int {
        if top.serial == handle.serial { return Int(top.count) }
        let frame =
            outer.last { $0.serial == handle.serial }
            ?? closed.last { $0.frame.serial == handle.serial }?.frame
        return Int(frame?.count ?? 0)
    }

    /// The keys and indexes that lead to a frame, read from the output itself.
    private func codingPath(_ height: Int) -> [any CodingKey] {
        (outer + [top]).prefix(height + 1).flatMap { component($0.location) }
    }

    private func component(_ location: JSONFrame.Location) -> [any CodingKey] {
        switch location {
        case .none: return []
        case .index(let index): return [JSONCodingKey(intValue: index)]
        case .key(let offset):
            var scanner = JSONScanner(at: offset)
            let text = Array(output.bytes)
            guard let key = try? scanner.scanString(text.span) else { return [] }
            let name = key.string(in: text.span)
            return [JSONCodingKey(stringValue: name)]
        }
    }
}
