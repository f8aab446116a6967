/// The place of an event among those of its namespace, as clients with connection state recovery send it back: the
/// epoch of the log that numbered it, and its number there.
///
/// The official client keeps the offset of its former session when it begins a new one. The epoch tells such offsets
/// apart from the log's own.
struct RecoveryOffset: Equatable {
    enum Reading: Equatable {
        /// The number of an event of this log.
        case own(UInt64)
        /// An offset of another log: nothing of this one was received.
        case foreign
        /// No offset at all.
        case invalid
    }

    static let epochLength = 6

    static func makeEpoch() -> [UInt8] { Array(Identifier.make().utf8.prefix(epochLength)) }

    static func read(_ text: String, epoch: [UInt8]) -> Reading {
        let bytes = Array(text.utf8)
        let digits = bytes.dropFirst(epochLength + 1)
        guard bytes.count > epochLength + 1, bytes[epochLength] == UInt8(ascii: "."), digits.count <= 20
        else { return .invalid }
        var number: UInt64 = 0
        for byte in digits {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return .invalid }
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            guard !overflow, !carry else { return .invalid }
            number = sum
        }
        return bytes.prefix(epochLength).elementsEqual(epoch) ? .own(number) : .foreign
    }
}

extension PacketWriter {
    /// Ends an event with its offset as the last argument.
    mutating func finishArray(offset number: UInt64, epoch: [UInt8]) -> EncodedPacket {
        bytes.append(contentsOf: [UInt8(ascii: ","), UInt8(ascii: "\"")])
        bytes.append(contentsOf: epoch)
        bytes.append(UInt8(ascii: "."))
        bytes.append(contentsOf: String(number).utf8)
        bytes.append(UInt8(ascii: "\""))
        var packet = finishArray()
        packet.hasOffset = true
        return packet
    }
}
