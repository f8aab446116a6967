import ParleyWire

/// Makes the open packets of a server (Engine.IO protocol, "Handshake"; both revisions have the same), which differ by the
/// session's id and by whether it may upgrade.
struct EngineOpenPackets: Sendable {
    private let start: [UInt8]
    private let upgradable: [UInt8]
    private let final: [UInt8]

    init(_ options: EngineOptions) {
        let times =
            #","pingInterval":\#(options.pingInterval.milliseconds)"#
            + #","pingTimeout":\#(options.pingTimeout.milliseconds)"#
        let rest = times + #","maxPayload":\#(options.maxPayload)}"#
        start = [0, 0, EngineIOPacketType.open.rawValue] + Array(#"{"sid":""#.utf8)
        upgradable = Array((#"","upgrades":["websocket"]"# + rest).utf8)
        final = Array((#"","upgrades":[]"# + rest).utf8)
    }

    /// The id has nothing that JSON escapes, see `Identifier.isValid`.
    func frame(for id: String, upgrades: Bool) -> EngineFrame {
        let end = upgrades ? upgradable : final
        var text: [UInt8] = []
        text.reserveCapacity(start.count + id.utf8.count + end.count + 2)
        text += start
        text.append(contentsOf: id.utf8)
        text += end
        return EngineFrame(textBehindReservation: text)
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
