/// Why a WebSocket connection is failed (RFC 6455 7.1.7): send a close frame with the code, then close.
public struct WebSocketError: Error, Sendable, Equatable {
    /// The close code to send: 1002, 1007, 1009 or 1011.
    public let closeCode: UInt16
    /// The rule or the limit that was broken, with the section of the RFC where there is one.
    public let rule: String

    /// An error with its close code and rule.
    public init(closeCode: UInt16, rule: String) {
        self.closeCode = closeCode
        self.rule = rule
    }
}

extension WebSocketError {
    static var reservedBits: Self { .init(closeCode: 1002, rule: "RFC 6455 5.2: a reserved bit is set") }
    static var opcode: Self { .init(closeCode: 1002, rule: "RFC 6455 5.2: unknown opcode") }
    static var controlTooLong: Self {
        .init(closeCode: 1002, rule: "RFC 6455 5.5: control frame over 125 bytes")
    }
    static var controlFragmented: Self {
        .init(closeCode: 1002, rule: "RFC 6455 5.5: fragmented control frame")
    }
    static var continuationWithoutStart: Self {
        .init(closeCode: 1002, rule: "RFC 6455 5.4: continuation without a message to continue")
    }
    static var messageInMessage: Self {
        .init(closeCode: 1002, rule: "RFC 6455 5.4: a message begins before the last one ended")
    }
    static var notMasked: Self {
        .init(closeCode: 1002, rule: "RFC 6455 5.1: a client's frame must be masked")
    }
    static var masked: Self {
        .init(closeCode: 1002, rule: "RFC 6455 5.1: a server's frame must not be masked")
    }
    static var length: Self {
        .init(closeCode: 1002, rule: "RFC 6455 5.2: a payload length is below 2^63, in the fewest bytes")
    }
    static var closeLength: Self { .init(closeCode: 1002, rule: "RFC 6455 5.5.1: close payload of one byte") }
    static var closeCode: Self { .init(closeCode: 1002, rule: "RFC 6455 7.4: invalid close code") }
    static var compressedData: Self {
        .init(closeCode: 1007, rule: "RFC 7692 7.2.2: the message can't be inflated")
    }
    static var compressionMemory: Self {
        .init(closeCode: 1011, rule: "no memory to inflate the message")
    }
    static var text: Self { .init(closeCode: 1007, rule: "RFC 6455 8.1: text is not UTF-8") }
    static var closeReason: Self { .init(closeCode: 1007, rule: "RFC 6455 5.5.1: close reason is not UTF-8") }
    static var messageTooLong: Self {
        .init(closeCode: 1009, rule: "limit messageBytes: the message is too long")
    }
    static var tooManyFragments: Self {
        .init(closeCode: 1009, rule: "limit fragments: the message has too many fragments")
    }
    static var tinyFragments: Self {
        .init(
            closeCode: 1009, rule: "limit tinyFragmentBytes: the message is made of too many tiny fragments")
    }
}
