/// An element of `Sec-WebSocket-Extensions` (RFC 6455 9.1).
struct WebSocketExtension: Equatable {
    struct Parameter: Equatable {
        let name: String
        /// Nil when there is no `=`.
        let value: String?
    }

    let name: String
    let parameters: [Parameter]
}

/// Reads `Sec-WebSocket-Extensions` from left to right. An element that breaks the grammar is skipped: what is behind it counts.
struct WebSocketExtensionList {
    private let bytes: [UInt8]
    private var position = 0

    private static let quote: UInt8 = 0x22
    private static let backslash: UInt8 = 0x5C
    private static let equals: UInt8 = 0x3D

    init(_ value: some Collection<UInt8>) { bytes = Array(value) }

    /// The next element that keeps to the grammar; nil at the end.
    mutating func next() -> WebSocketExtension? {
        while position < bytes.count {
            skipBlanks()
            let start = position
            let element = element()
            if let element, isAtSeparator { return element }
            // From its start, so that quotes are seen as pairs.
            position = start
            skipElement()
        }
        return nil
    }

    private mutating func element() -> WebSocketExtension? {
        guard let name = token() else { return nil }
        var parameters: [WebSocketExtension.Parameter] = []
        while skip(HTTPBytes.semicolon) {
            guard let parameter = parameter() else { return nil }
            parameters.append(parameter)
        }
        return WebSocketExtension(name: name, parameters: parameters)
    }

    private mutating func parameter() -> WebSocketExtension.Parameter? {
        guard let name = token() else { return nil }
        guard skip(Self.equals) else { return .init(name: name, value: nil) }
        guard let value = peek == Self.quote ? quotedToken() : token() else { return nil }
        return .init(name: name, value: value)
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// True where an element may end.
    private var isAtSeparator: Bool { peek == nil || peek == HTTPBytes.comma }

    private mutating func skipBlanks() {
        while let byte = peek, HTTPBytes.isBlank(byte) { position += 1 }
    }

    /// Takes the byte if it comes next, and the blanks behind it.
    private mutating func skip(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        skipBlanks()
        return true
    }

    /// A token and the blanks behind it.
    private mutating func token() -> String? {
        let start = position
        while let byte = peek, HTTPBytes.isToken(byte) { position += 1 }
        let token = bytes[start..<position]
        skipBlanks()
        return token.isEmpty ? nil : String(decoding: token, as: UTF8.self)
    }

    /// A quoted string, which must be a token when its quotes and backslashes are gone, and the blanks behind it.
    private mutating func quotedToken() -> String? {
        var token: [UInt8] = []
        position += 1
        while let byte = peek, byte != Self.quote {
            if byte == Self.backslash { position += 1 }
            guard let content = peek, HTTPBytes.isToken(content) else { return nil }
            token.append(content)
            position += 1
        }
        guard skip(Self.quote), !token.isEmpty else { return nil }
        return String(decoding: token, as: UTF8.self)
    }

    /// Goes behind the next comma that is not within quotes.
    private mutating func skipElement() {
        var isQuoted = false
        while let byte = peek {
            position += 1
            if byte == Self.quote { isQuoted.toggle() }
            if byte == Self.backslash, isQuoted { position += 1 }
            if byte == HTTPBytes.comma, !isQuoted { return }
        }
    }
}
