/// One call of ``JSON/encode(_:into:attachments:)``: the output, and the arrays and objects that are open at its end.
///
/// The output is written front to back, without a tree in between: a container writes at the end of the output
/// after closing what was opened inside it. Codable also allows to go on with an inner container after its outer
/// one was used, or to use a super encoder late; such writes are spliced into the output (``JSONSplice``).
final class JSONEncodingSession {
    @exclusivity(unchecked) var bytes: [UInt8] = []
    @exclusivity(unchecked) var attachments = JSONAttachments.base64
    @exclusivity(unchecked) var frames: [JSONFrame] = []
    /// Inner containers and super encoders that were closed by a use of an outer one, and may be used again.
    @exclusivity(unchecked) var closed: [JSONClosedFrame] = []
    @exclusivity(unchecked) private var lastSerial: UInt32 = 0

    init() { frames.reserveCapacity(8) }

    /// Writes the value of a whole call.
    func encodeRoot<Value: Encodable>(_ value: Value) throws {
        let handle = push(.pending, at: .none)
        try value.encode(to: JSONValueEncoder(session: self, handle: handle))
        while frames.count > 1 { closeTop() }
        guard frames[0].kind != .pending else {
            throw JSONUnencodable(value: "\(Value.self)", reason: "the value encoded nothing")
        }
        closeTop()
    }

    /// Writes a value with its own `encode(to:)`, or as a known type.
    /// - Parameter location: where the value is in the frame on top, for coding paths.
    func encode<Value: Encodable>(_ value: Value, at location: JSONFrame.Location) throws {
        let depth = JSON.maximumEncodingDepth - frames.count
        if try JSONWriter.writeKnown(value, to: &bytes, attachments: &attachments, depth: depth) { return }
        guard depth > 0 else { throw JSONUnencodable(value: 0, reason: "the value is nested too deeply") }
        let height = frames.count
        let closedCount = closed.count
        let handle = push(.pending, at: location)
        defer {
            frames.removeLast(frames.count - height)
            if closed.count > closedCount { closed.removeLast(closed.count - closedCount) }
        }
        try value.encode(to: JSONValueEncoder(session: self, handle: handle))
        while frames.count > height { closeTop() }
    }

    /// Opens a frame on top of the others; for arrays and objects their first byte is written.
    func push(_ kind: JSONFrame.Kind, at location: JSONFrame.Location, isReusable: Bool = false) -> JSONHandle
    {
        lastSerial &+= 1
        frames.append(JSONFrame(kind: kind, serial: lastSerial, location: location, isReusable: isReusable))
        writeOpening(kind)
        return JSONHandle(index: UInt32(truncatingIfNeeded: frames.count &- 1), serial: lastSerial)
    }

    @inline(__always)
    func writeOpening(_ kind: JSONFrame.Kind) {
        if kind == .object { bytes.append(UInt8(ascii: "{")) }
        if kind == .array { bytes.append(UInt8(ascii: "[")) }
    }

    /// Ends the value of the frame on top. One to which nothing was written is an empty object, as Foundation has it.
    func closeTop() {
        let frame = frames.removeLast()
        if frame.kind == .pending { bytes.append(UInt8(ascii: "{")) }
        if frame.isReusable { closed.append(JSONClosedFrame(frame: frame, end: bytes.count)) }
        switch frame.kind {
        case .object, .pending: bytes.append(UInt8(ascii: "}"))
        case .array: bytes.append(UInt8(ascii: "]"))
        case .finished: break
        }
    }

    /// Whether the frame is open; if it is, those inside it are closed, and it is on top.
    @inline(__always)
    func bringToTop(_ handle: JSONHandle) -> Bool {
        let index = Int(handle.index)
        guard index < frames.count, frames[index].serial == handle.serial else { return false }
        while frames.count &- 1 > index { closeTop() }
        return true
    }

    /// Writes a member of an object.
    @inline(__always)
    func member(
        _ handle: JSONHandle, _ key: String, _ write: (JSONEncodingSession, JSONFrame.Location) throws -> Void
    ) throws {
        try item(handle) { session, top in
            guard session.frames[top].kind == .object else { throw JSONEncodingSession.notOpen }
            if session.frames[top].count != 0 { session.bytes.append(UInt8(ascii: ",")) }
            let location = JSONFrame.Location.key(offset: session.bytes.count)
            JSONWriter.write(key, to: &session.bytes)
            session.bytes.append(UInt8(ascii: ":"))
            return location
        } write: {
            try write($0, $1)
        }
    }

    /// Writes an element of an array.
    @inline(__always)
    func element(
        _ handle: JSONHandle, _ write: (JSONEncodingSession, JSONFrame.Location) throws -> Void
    ) throws {
        try item(handle) { session, top in
            guard session.frames[top].kind == .array else { throw JSONEncodingSession.notOpen }
            if session.frames[top].count != 0 { session.bytes.append(UInt8(ascii: ",")) }
            return .index(session.frames[top].count)
        } write: {
            try write($0, $1)
        }
    }

    /// Writes the one value of a single value container.
    @inline(__always)
    func single(
        _ handle: JSONHandle, _ write: (JSONEncodingSession, JSONFrame.Location) throws -> Void
    ) throws {
        try item(handle) { session, top in
            guard session.frames[top].kind == .pending else { throw JSONEncodingSession.notOpen }
            session.frames[top].kind = .finished
            return .none
        } write: {
            try write($0, $1)
        }
    }

    static let notOpen = JSONUnencodable(
        value: 0, reason: "the container is used after its value ended, or for a second value")

    /// Writes one item into a frame; what a failing item had written is taken back, so that the caller may go on.
    @inline(__always)
    private func item(
        _ handle: JSONHandle, prefix: (JSONEncodingSession, Int) throws -> JSONFrame.Location,
        write: (JSONEncodingSession, JSONFrame.Location) throws -> Void
    ) throws {
        let splice = bringToTop(handle) ? nil : try beginSplice(handle)
        defer { if let splice { endSplice(splice) } }
        let top = frames.count &- 1
        let start = bytes.count
        let attachmentCount = attachments.buffers.count
        let before = frames[top]
        var location = JSONFrame.Location.none
        do {
            location = try prefix(self, top)
            try write(self, location)
            // An inner container may now be on top.
            frames[top].count &+= 1
        } catch {
            let reported = describe(error, top, location)
            bytes.removeLast(bytes.count &- start)
            attachments.buffers.removeLast(attachments.buffers.count &- attachmentCount)
            frames.removeLast(frames.count &- 1 &- top)
            frames[top] = before
            throw reported
        }
    }

    /// The error with the coding path of the item that failed.
    @inline(never)
    private func describe(_ error: any Error, _ top: Int, _ location: JSONFrame.Location) -> any Error {
        guard let failure = error as? JSONUnencodable else { return error }
        return failure.encodingError(codingPath(top) + component(location))
    }

    /// Opens an inner container or super encoder as an item of another container.
    /// - Returns: a handle to its frame; when it cannot be opened, one to no frame, of which every use throws.
    func inner(
        _ kind: JSONFrame.Kind,
        in item: (JSONEncodingSession, (JSONEncodingSession, JSONFrame.Location) throws -> Void) throws ->
            Void
    ) -> JSONHandle {
        var handle = JSONHandle(index: .max, serial: 0)
        // Codable has no error here.
        try? item(self) { session, location in
            handle = session.push(kind, at: location, isReusable: true)
        }
        return handle
    }

    /// The coding path of an open frame; empty for others.
    func codingPath(of handle: JSONHandle) -> [any CodingKey] {
        let index = Int(handle.index)
        return index < frames.count && frames[index].serial == handle.serial ? codingPath(index) : []
    }

    /// How many elements a frame holds.
    func count(of handle: JSONHandle) -> Int {
        let index = Int(handle.index)
        if index < frames.count, frames[index].serial == handle.serial { return frames[index].count }
        return closed.last { $0.frame.serial == handle.serial }?.frame.count ?? 0
    }

    /// The keys and indexes that lead to a frame, read from the output itself.
    func codingPath(_ index: Int) -> [any CodingKey] {
        frames.prefix(index + 1).flatMap { component($0.location) }
    }

    private func component(_ location: JSONFrame.Location) -> [any CodingKey] {
        switch location {
        case .none: return []
        case .index(let index): return [JSONCodingKey(intValue: index)]
        case .key(let offset):
            var scanner = JSONScanner(at: offset)
            let output = bytes
            guard let key = try? scanner.scanString(output.span) else { return [] }
            let name = key.string(in: output.span)
            return [JSONCodingKey(stringValue: name)]
        }
    }
}
