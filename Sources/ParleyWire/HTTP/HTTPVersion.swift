/// The version of HTTP that a message was sent with.
public enum HTTPVersion: UInt8, Sendable, Comparable {
    /// HTTP/1.0.
    case http10
    /// HTTP/1.1 (and any later minor version of HTTP/1).
    case http11
    /// HTTP/2.
    case http2

    /// Older versions are less than newer ones.
    public static func < (left: HTTPVersion, right: HTTPVersion) -> Bool { left.rawValue < right.rawValue }
}
