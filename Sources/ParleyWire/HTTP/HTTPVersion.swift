/// The version of HTTP that a message was sent with.
public enum HTTPVersion: UInt8, Sendable, Comparable, CustomStringConvertible {
    /// HTTP/1.0.
    case http10
    /// HTTP/1.1 (and any later minor version of HTTP/1).
    case http11
    /// HTTP/2.
    case http2

    /// The version as it is usually written: `HTTP/1.1`, `HTTP/2`.
    public var description: String {
        switch self {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        case .http2: "HTTP/2"
        }
    }

    /// Older versions are less than newer ones.
    public static func < (left: HTTPVersion, right: HTTPVersion) -> Bool { left.rawValue < right.rawValue }
}
