/// One call of ``JSON/encode(_:into:attachments:)``: the output, and the arrays and objects that are open at its end.
///
/// The output is written front to back, without a tree in between: a container writes at the end of the output
/// after closing what was opened inside it. Codable also allows to go on with an inner container after its outer
/// one was used, or to use a super encoder late; such writes are spliced into the output (``JSONSplice``).
///
/// An encoder or container that escapes its `encode(to:)` finds no open frame, and throws.
final class JSONEncodingSession {
    @exclusivity(unchecked) var output: JSONOutput
    @exclusivity(unchecked) var attachments: JSONAttachments
    /// The innermost open frame, and those around it from the outermost on.
    @exclusivity(unchecked) var top: JSONFrame
    @exclusivity(unchecked) var outer: [JSONFrame] = []
    /// Inner containers and super encoders that were closed by a use of an outer one, and may be used again.
    @exclusivity(unchecked) var closed: [JSONClosedFrame] = []
    @exclusivity(unchecked) var splices: [JSONSplice] = []
    @exclusivity(unchecked) private var lastSerial: UInt32 = 1

    private init(output: JSONOutput, attachments: consuming JSONAttachments) {
        self.output = output
        self.attachments = attachments
        top = JSONFrame(kind: .pending, serial: 1, location: .none, isReusable: false)
    }

    /// Writes a value with its own `encode(to:)`.
    static func encode<Value: Encodable>(
        _ value: Value, to output: inout JSONOutput, attachments: inout JSONAttachments
    ) throws {
        let session = JSONEncodingSession(output: output, attachments: attachments)
        // One owner, so that appending does not copy.
        attachments.buffers = []
        defer {
            output = session.output
            attachments = session.attachments
            session.end()
        }
        try value.encode(to: JSONValueEncoder(session: session, handle: JSONHandle(index: 0, serial: 1)))
        while !session.outer.isEmpty { session.closeTop() }
        guard session.top.kind != .pending else {
            throw JSONUnencodable(value: "\(Value.self)", reason: "the value encoded nothing")
        }
        session.writeClosing(session.top)
    }

    private func end() {
        output = .none
        top = JSONFrame(kind: .finished, serial: 0, location: .none, isReusable: false)
        outer = []
        closed = []
    }

    /// Writes an item as a known type, or with its own `encode(to:)`.
    func encode<Value: Encodable>(_ value: Value, _ item: JSONItem) throws {
        do {
            let depth = JSON.maximumEncodingDepth - outer.count
            if try !JSONWriter.writeKnown(value, to: &output, attachments: &attachments, depth: depth) {
                guard depth > 0 else {
                    throw JSONUnencodable(value: "\(Value.self)", reason: "the value is nested too deeply")
                }
                let closedCount = closed.count
                let handle = push(.pending, at: item.location)
                try value.encode(to: JSONValueEncoder(session: self, handle: handle))
                while outer.count > item.height { closeTop() }
                if closed.count > closedCount { closed.removeLast(closed.count - closedCount) }
            }
        } catch {
            throw cancel(item, error)
        }
        end(item)
    }

    /// Opens a frame on top of the others; for arrays and objects their first byte is written.
    func push(_ kind: JSONFrame.Kind, at location: JSONFrame.Location, isReusable: Bool = false) -> JSONHandle
    {
        lastSerial &+= 1
        outer.append(top)
        top = JSONFrame(kind: kind, serial: lastSerial, location: location, isReusable: isReusable)
        writeOpening(kind)
        return JSONHandle(index: UInt32(truncatingIfNeeded: outer.count), serial: lastSerial)
    }

    @inline(__always)
    func writeOpening(_ kind: JSONFrame.Kind) {
        if kind == .object { output.append(UInt8(ascii: "{")) }
        if kind == .array { output.append(UInt8(ascii: "[")) }
    }

    @inline(__always)
    private func writeClosing(_ frame: JSONFrame) {
        switch frame.kind {
        case .object, .pending: output.append(UInt8(ascii: "}"))
        case .array: output.append(UInt8(ascii: "]"))
        case .finished: break
        }
    }

    /// Ends the value of the frame on top, which must not be the outermost one. A frame to which nothing was written
    /// becomes an empty object, as Foundation has it.
    func closeTop() {
        let frame = top
        if frame.kind == .pending { output.append(UInt8(ascii: "{")) }
        if frame.isReusable { closed.append(JSONClosedFrame(frame: frame, end: output.count)) }
        writeClosing(frame)
        top = outer.removeLast()
    }

    /// Whether the frame is open; if it is, those inside it are closed, and it is on top.
    @inline(__always)
    func bringToTop(_ handle: JSONHandle) -> Bool {
        top.serial == handle.serial || closeInside(handle)
    }

    @inline(never)
    private func closeInside(_ handle: JSONHandle) -> Bool {
        let index = Int(handle.index)
        guard index < outer.count, outer[index].serial == handle.serial else { return false }
        while outer.count > index { closeTop() }
        return true
    }
}
