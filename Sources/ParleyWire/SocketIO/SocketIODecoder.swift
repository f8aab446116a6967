/// Reads the head of a Socket.IO v5 packet. Does not look at the JSON behind it.
public struct SocketIODecoder: Sendable {
    private let limits: SocketIOLimits

    /// A decoder with these limits.
    public init(limits: SocketIOLimits = SocketIOLimits()) {
        self.limits = limits
    }

    /// Reads one packet: the data of an Engine.IO message.
    public func head(of packet: Span<UInt8>) throws(SocketIOError) -> SocketIOPacketHead {
        guard packet.count > 0 else { throw .malformed("empty packet") }
        guard let type = SocketIOPacketType(rawValue: packet[0]) else {
            throw .malformed("unknown packet type 0x\(String(packet[0], radix: 16))")
        }
        var offset = 1
        var head = SocketIOPacketHead(type: type, payload: 0..<0)
        if type.isBinary { head.attachments = try attachments(packet, &offset) }
        head.namespace = try namespace(packet, &offset)
        head.id = try acknowledgementID(packet, &offset)
        head.payload = offset..<packet.count
        try check(head)
        return head
    }

    private func attachments(_ packet: Span<UInt8>, _ offset: inout Int) throws(SocketIOError) -> Int {
        var count = 0
        let start = offset
        while offset < packet.count, let digit = digit(packet[offset]) {
            let (tens, overflow) = count.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(digit)
            count = sum
            guard !overflow, !carry, count <= limits.attachments else {
                throw .limit("more than \(limits.attachments) attachments in a packet")
            }
            offset += 1
        }
        guard offset > start, offset < packet.count, packet[offset] == UInt8(ascii: "-") else {
            throw .malformed("binary packet without a number of attachments")
        }
        offset += 1
        return count
    }

    private func namespace(_ packet: Span<UInt8>, _ offset: inout Int) throws(SocketIOError) -> Range<Int>? {
        guard offset < packet.count, packet[offset] == UInt8(ascii: "/") else { return nil }
        let start = offset
        while offset < packet.count, packet[offset] != UInt8(ascii: ",") {
            offset += 1
            guard offset - start <= limits.namespaceBytes else {
                throw .limit("namespace of more than \(limits.namespaceBytes) bytes")
            }
        }
        let name = start..<offset
        if offset < packet.count { offset += 1 }
        return name.count == 1 ? nil : name
    }

    private func acknowledgementID(
        _ packet: Span<UInt8>, _ offset: inout Int
    ) throws(SocketIOError) -> UInt64? {
        let start = offset
        var id: UInt64 = 0
        while offset < packet.count, let digit = digit(packet[offset]) {
            let (tens, overflow) = id.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(UInt64(digit))
            guard offset - start < limits.acknowledgementDigits, !overflow, !carry else {
                throw .limit("acknowledgement id of more than \(limits.acknowledgementDigits) digits")
            }
            id = sum
            offset += 1
        }
        return offset == start ? nil : id
    }

    private func check(_ head: SocketIOPacketHead) throws(SocketIOError) {
        switch head.type {
        case .event, .binaryEvent:
            guard !head.payload.isEmpty else { throw .malformed("event without a payload") }
        case .ack, .binaryAck:
            guard head.id != nil else { throw .malformed("acknowledgement without an id") }
            guard !head.payload.isEmpty else { throw .malformed("acknowledgement without a payload") }
        case .disconnect:
            guard head.payload.isEmpty, head.id == nil else { throw .malformed("disconnect with a payload") }
        case .connect:
            guard head.id == nil else { throw .malformed("connect with an acknowledgement id") }
        case .connectError:
            break
        }
    }

    private func digit(_ byte: UInt8) -> Int? {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") ? Int(byte &- UInt8(ascii: "0")) : nil
    }
}
