import ParleyTransport
import ParleyWire

/// What proxies wrote, by its distance from the end: 1 is what the nearest one wrote about its client. Nil is what isn't there, is
/// malformed, or is beyond the limit.
protocol ForwardedTrail {
    func address(at distance: Int) -> SocketAddress?
    func isSecure(at distance: Int) -> Bool?
    func host(at distance: Int) -> String?
    func port(at distance: Int) -> UInt16?
}

// MARK: - X-Forwarded-*

/// `X-Forwarded-For` and its companions, lists that are counted from their ends alike. A companion with fewer elements is that of
/// proxies which set it anew rather than append; what they set is the first element then.
struct XForwardedTrail: ForwardedTrail {
    private let headers: HTTPHeaderBlock
    private let limit: Int
    private let addresses: ForwardedList

    init(_ headers: HTTPHeaderBlock, limit: Int) {
        self.headers = headers
        self.limit = limit
        addresses = ForwardedList(headers, "x-forwarded-for", limit: limit)
    }

    func address(at distance: Int) -> SocketAddress? {
        addresses.element(at: distance).flatMap { ForwardedNode.address($0) }
    }

    func isSecure(at distance: Int) -> Bool? {
        companion("x-forwarded-proto", at: distance).flatMap { ForwardedScheme.isSecure($0) }
    }

    func host(at distance: Int) -> String? {
        companion("x-forwarded-host", at: distance).flatMap { ForwardedHost.validated($0) }
    }

    func port(at distance: Int) -> UInt16? {
        companion("x-forwarded-port", at: distance).flatMap { ForwardedNode.port($0.utf8) }
    }

    private func companion(_ name: StaticString, at distance: Int) -> String? {
        let list = ForwardedList(headers, name, limit: limit)
        return list.element(at: min(distance, list.elements.count))
    }
}

// MARK: - Forwarded

/// `Forwarded` (RFC 7239 4): each proxy appends one element with what it knows.
struct ForwardedElements: ForwardedTrail {
    private let list: ForwardedList

    init(_ headers: HTTPHeaderBlock, limit: Int) {
        list = ForwardedList(headers, "forwarded", limit: limit)
    }

    func address(at distance: Int) -> SocketAddress? {
        parameter("for", at: distance).flatMap { ForwardedNode.address($0, isIPv6Bracketed: true) }
    }

    func isSecure(at distance: Int) -> Bool? {
        parameter("proto", at: distance).flatMap { ForwardedScheme.isSecure($0) }
    }

    func host(at distance: Int) -> String? {
        parameter("host", at: distance).flatMap { ForwardedHost.validated($0) }
    }

    func port(at distance: Int) -> UInt16? { nil }

    /// The value of a parameter, whose name has no case; nil also when it is there twice, or one of the element is malformed.
    private func parameter(_ name: String, at distance: Int) -> String? {
        guard let element = list.element(at: distance),
            let pairs = ForwardedList(element: element, separator: 0x3B, limit: Self.parameterLimit)
        else { return nil }
        var found: String?
        for pair in pairs.elements {
            guard let (key, value) = Self.pair(pair) else { return nil }
            guard key.lowercased() == name else { continue }
            guard found == nil else { return nil }
            found = value
        }
        return found
    }

    /// RFC 7239 knows four.
    private static let parameterLimit = 16

    /// `token "=" ( token / quoted-string )`. Unquoted values may have colons and brackets too, as many proxies write them.
    private static func pair(_ text: String) -> (key: String, value: String)? {
        var scanner = FieldScanner(text)
        let key = scanner.take { $0 != FileByte.equals && $0 != FileByte.quote }
        guard !key.isEmpty, scanner.skip(FileByte.equals) else { return nil }
        let value = scanner.next == FileByte.quote ? quoted(&scanner) : scanner.take { $0 != FileByte.quote }
        guard let value, !value.isEmpty, scanner.isAtEnd else { return nil }
        return (key, value)
    }

    private static func quoted(_ scanner: inout FieldScanner) -> String? {
        var value = ""
        guard scanner.skip(FileByte.quote) else { return nil }
        while true {
            value += scanner.take { $0 != FileByte.quote && $0 != FileByte.backslash }
            if scanner.skip(FileByte.quote) { return value }
            // No address, scheme or host needs an escaped character: what has one is not looked into.
            guard scanner.skip(FileByte.backslash), let escaped = scanner.next, scanner.skip(escaped) else {
                return nil
            }
            value += "\\"
        }
    }
}
