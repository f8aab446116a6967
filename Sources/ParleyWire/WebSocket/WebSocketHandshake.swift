import COpenSSL
import HTTPTypes

/// The server's half of the opening handshake, over HTTP/1.1 (RFC 6455 4.2) and HTTP/2 (RFC 8441 5).
public enum WebSocketHandshake {
    /// What a request is.
    public enum Outcome: Sendable, Equatable {
        /// It asks for no WebSocket: let it be an ordinary request.
        case notWebSocket
        /// A valid handshake. Over HTTP/1.1 answer 101 with `Upgrade: websocket`, `Connection: Upgrade` and
        /// `Sec-WebSocket-Accept`; over HTTP/2 answer 200 without any of them, and `acceptKey` is nil.
        case accepted(acceptKey: String?)
        /// An invalid handshake. To 426, add `Sec-WebSocket-Version: 13` (RFC 6455 4.4) and `Upgrade: websocket`; to 405,
        /// `Allow: GET`.
        case refused(status: Int, rule: String)
    }

    /// Validates a request. Whether its origin, path or subprotocol please is for others to say.
    public static func validate(_ head: HTTPRequestHead) -> Outcome {
        head.version == .http2 ? validateExtendedConnect(head) : validateUpgrade(head)
    }

    private static func validateUpgrade(_ head: HTTPRequestHead) -> Outcome {
        guard head.headers.contains("upgrade", token: "websocket") else { return .notWebSocket }
        guard head.version == .http11 else {
            return .refused(status: 400, rule: "RFC 6455 4.2.1: a handshake takes HTTP/1.1 or higher")
        }
        guard head.method == .get else {
            return .refused(status: 405, rule: "RFC 6455 4.2.1: a handshake is a GET")
        }
        guard head.headers.contains("connection", token: "upgrade") else {
            return .refused(status: 400, rule: "RFC 6455 4.2.1: Connection must list Upgrade")
        }
        guard !head.hasContent else {
            return .refused(status: 400, rule: "RFC 6455 4.1: a handshake has no content")
        }
        if let refusal = validateVersion(head.headers) { return refusal }
        guard head.headers.count(of: "sec-websocket-key") == 1,
            let index = head.headers.index(of: "sec-websocket-key")
        else {
            return .refused(status: 400, rule: "RFC 6455 4.2.1: Sec-WebSocket-Key must be there exactly once")
        }
        let key = head.headers.bytes[head.headers.valueRange(at: index)]
        guard isKey(key) else {
            return .refused(status: 400, rule: "RFC 6455 4.2.1: Sec-WebSocket-Key must be 16 bytes in base64")
        }
        return .accepted(acceptKey: acceptKey(forBytes: key))
    }

    private static func validateExtendedConnect(_ head: HTTPRequestHead) -> Outcome {
        guard head.upgradeProtocol == "websocket" else { return .notWebSocket }
        guard head.method == .connect else {
            return .refused(status: 400, rule: "RFC 8441 4: :protocol takes the method CONNECT")
        }
        return validateVersion(head.headers) ?? .accepted(acceptKey: nil)
    }

    private static func validateVersion(_ headers: HTTPHeaderBlock) -> Outcome? {
        let count = headers.count(of: "sec-websocket-version")
        guard count == 1, let index = headers.index(of: "sec-websocket-version") else {
            return count == 0
                ? .refused(
                    status: 426, rule: "RFC 6455 4.4: Sec-WebSocket-Version is missing; 13 is supported")
                : .refused(status: 400, rule: "RFC 6455 11.3.5: Sec-WebSocket-Version must be there once")
        }
        guard headers.hasValue("13", at: index) else {
            return .refused(status: 426, rule: "RFC 6455 4.4: version 13 is supported")
        }
        return nil
    }

    /// 22 digits of base64 and two padding characters: 16 bytes.
    private static func isKey(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.count == 24, bytes.hasSuffix("==") else { return false }
        return bytes.dropLast(2).allSatisfy {
            HTTPBytes.isAlpha($0) || HTTPBytes.isDigit($0) || $0 == 0x2B || $0 == 0x2F
        }
    }

    /// The value of `Sec-WebSocket-Accept` for a key (RFC 6455 4.2.2): base64(SHA-1(key + GUID)).
    public static func acceptKey(for key: String) -> String {
        acceptKey(forBytes: Array(key.utf8)[...])
    }

    private static func acceptKey(forBytes key: ArraySlice<UInt8>) -> String {
        var input = Array(key)
        input.append(literal: "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
        var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
        _ = SHA1(input, input.count, &digest)
        // Four characters for three bytes begun, and a NUL.
        var encoded = [UInt8](repeating: 0, count: 29)
        let length = EVP_EncodeBlock(&encoded, digest, SHA_DIGEST_LENGTH)
        return String(decoding: encoded.prefix(Int(length)), as: UTF8.self)
    }
}

// MARK: - Subprotocols

extension WebSocketHandshake {
    /// The subprotocols that the client offers, in its order of preference (RFC 6455 11.3.4).
    public static func offeredSubprotocols(_ headers: HTTPHeaderBlock) -> [String] {
        var offered: [String] = []
        var next = headers.index(of: "sec-websocket-protocol")
        while let index = next {
            let value = headers.bytes.span.extracting(headers.valueRange(at: index))
            var start = 0
            for end in 0...value.count where end == value.count || value[end] == HTTPBytes.comma {
                let member = HTTPBytes.trimmed(start..<end, in: value)
                if !member.isEmpty { offered.append(String(bytes: value.extracting(member))) }
                start = end + 1
            }
            next = headers.index(of: "sec-websocket-protocol", from: index + 1)
        }
        return offered
    }

    /// The first of the client's offers that the server supports; nil when there is none, and then the answer has no
    /// `Sec-WebSocket-Protocol` (RFC 6455 4.2.2). Subprotocols are compared with regard to case.
    public static func selectSubprotocol(_ headers: HTTPHeaderBlock, supported: [String]) -> String? {
        offeredSubprotocols(headers).first { supported.contains($0) }
    }
}

extension ArraySlice<UInt8> {
    fileprivate func hasSuffix(_ suffix: StaticString) -> Bool {
        let length = suffix.utf8CodeUnitCount
        guard count >= length else { return false }
        return self.suffix(length).elementsEqual(UnsafeBufferPointer(start: suffix.utf8Start, count: length))
    }
}
