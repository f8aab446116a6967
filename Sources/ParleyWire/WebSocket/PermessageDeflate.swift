/// What both sides agreed on about compression (RFC 7692 7.1).
public struct PermessageDeflate: Sendable, Equatable {
    /// The server compresses each message by itself.
    public var serverNoContextTakeover = false
    /// The client compresses each message by itself.
    public var clientNoContextTakeover = false
    /// How far the server's messages may look back, as a power of two: 8 to 15.
    public var serverWindowBits = 15
    /// How far the client's messages may.
    public var clientWindowBits = 15
    /// A client that asks for a limit of the server's is told one, even if it is 15 (RFC 7692 7.1.2.1).
    fileprivate var statesServerWindow = false

    /// No restrictions.
    public init() {}

    /// The value of the answer's `Sec-WebSocket-Extensions`.
    public var fieldValue: String {
        var value = "permessage-deflate"
        if serverNoContextTakeover { value += "; server_no_context_takeover" }
        if clientNoContextTakeover { value += "; client_no_context_takeover" }
        if serverWindowBits < 15 || statesServerWindow {
            value += "; server_max_window_bits=\(serverWindowBits)"
        }
        if clientWindowBits < 15 { value += "; client_max_window_bits=\(clientWindowBits)" }
        return value
    }

    /// Accepts the first of the client's offers that is valid and that the settings allow; nil when there is none
    /// (RFC 7692 5.1). An offer with unknown, repeated or malformed parameters is passed over; no offer makes a handshake fail.
    public static func accept(
        offersOf headers: HTTPHeaderBlock, settings: WebSocketCompression
    ) -> PermessageDeflate? {
        var next = headers.index(of: "sec-websocket-extensions")
        while let index = next {
            var list = WebSocketExtensionList(headers.bytes[headers.valueRange(at: index)])
            while let element = list.next() {
                guard let offer = Offer(element) else { continue }
                if let accepted = offer.accepted(by: settings) { return accepted }
            }
            next = headers.index(of: "sec-websocket-extensions", from: index + 1)
        }
        return nil
    }
}

/// What a client offers (RFC 7692 7.1).
private struct Offer {
    private var serverNoContextTakeover = false
    private var clientNoContextTakeover = false
    private var serverWindowBits: Int?
    /// Without a value it says only that the server may set a limit.
    private var clientWindowBits: Int??

    /// Nil for another extension, and for parameters that are not as RFC 7692 7.1 has them.
    init?(_ element: WebSocketExtension) {
        guard element.name == "permessage-deflate" else { return nil }
        for (index, parameter) in element.parameters.enumerated() {
            let earlier = element.parameters[..<index]
            guard !earlier.contains(where: { $0.name == parameter.name }) else { return nil }
            switch (parameter.name, parameter.value) {
            case ("server_no_context_takeover", nil): serverNoContextTakeover = true
            case ("client_no_context_takeover", nil): clientNoContextTakeover = true
            case ("client_max_window_bits", nil): clientWindowBits = .some(nil)
            case ("client_max_window_bits", let value?):
                guard let bits = Self.windowBits(value) else { return nil }
                clientWindowBits = bits
            case ("server_max_window_bits", let value?):
                guard let bits = Self.windowBits(value) else { return nil }
                serverWindowBits = bits
            default: return nil
            }
        }
    }

    /// 8 to 15, without zeros in front (RFC 7692 7.1.2.1).
    private static func windowBits(_ text: String) -> Int? {
        switch text {
        case "8": 8
        case "9": 9
        case "10": 10
        case "11": 11
        case "12": 12
        case "13": 13
        case "14": 14
        case "15": 15
        default: nil
        }
    }

    /// What the settings make of the offer. Nil when they need a limit that the client can't be told (RFC 7692 7.1.2.2).
    ///
    /// Beyond what was offered, a server may forbid takeover, its own and the client's (7.1.1), and limit its own window.
    func accepted(by settings: WebSocketCompression) -> PermessageDeflate? {
        var accepted = PermessageDeflate()
        accepted.serverNoContextTakeover = serverNoContextTakeover || !settings.serverContextTakeover
        accepted.clientNoContextTakeover = clientNoContextTakeover || !settings.clientContextTakeover
        accepted.statesServerWindow = serverWindowBits != nil
        accepted.serverWindowBits = min(serverWindowBits ?? 15, min(max(settings.serverWindowBits, 9), 15))
        let clientLimit = min(max(settings.clientWindowBits, 9), 15)
        guard let clientWindowBits else { return clientLimit == 15 ? accepted : nil }
        accepted.clientWindowBits = min(clientWindowBits ?? 15, clientLimit)
        return accepted
    }
}
