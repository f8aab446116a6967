import HTTPTypes

/// What OpenTelemetry's semantic conventions call the facts of a request.
extension Request {
    private static let knownMethods: Set<String> = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
    ]

    /// `http.request.method`: those of RFC 9110 and PATCH (RFC 5789); nil for others, which clients may make up.
    var semanticMethod: String? {
        let name = method.rawValue
        return Self.knownMethods.contains(name) ? name : nil
    }

    /// `network.protocol.version`: `1.0`, `1.1`, `2`.
    var protocolVersion: String {
        let text = "\(version)"
        return text.hasPrefix("HTTP/") ? String(text.dropFirst(5)) : text
    }
}
