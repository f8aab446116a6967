/// Writes the heads of Socket.IO v5 packets.
public enum SocketIOEncoder {
    /// Appends everything in front of the packet's JSON.
    ///
    /// - Parameters:
    ///   - attachments: written for the binary types only.
    ///   - namespace: the name with its slash; `/` is left out, as the protocol has it.
    @inlinable
    public static func appendHead(
        _ type: SocketIOPacketType, attachments: Int = 0, namespace: String, id: UInt64? = nil,
        into output: inout [UInt8]
    ) {
        output.append(type.rawValue)
        if type.isBinary {
            appendDecimal(UInt64(attachments), into: &output)
            output.append(UInt8(ascii: "-"))
        }
        if namespace.utf8.count > 1 {
            output.append(contentsOf: namespace.utf8)
            output.append(UInt8(ascii: ","))
        }
        if let id { appendDecimal(id, into: &output) }
    }

    /// Appends a number in decimal digits.
    public static func appendDecimal(_ value: UInt64, into output: inout [UInt8]) {
        if value < 10 {
            output.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value))
            return
        }
        let start = output.count
        var rest = value
        repeat {
            output.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        output[start...].reverse()
    }
}
