/// How a directory's files are served; see ``RouteBuilder/files(_:from:options:)``.
public struct FileOptions: Sendable {
    /// The files that stand for their directory, in the order in which they are looked for.
    public var indexNames = ["index.html"]

    /// What becomes of paths with a segment that begins with a dot; hidden by default.
    public var dotfiles = DotfilePolicy.hidden

    /// The value of `Cache-Control` (RFC 9111 5.2); nil sends none. By default clients may store files, but ask
    /// before each use whether they are still the same, which costs a request and no content.
    public var cacheControl: String? = "no-cache"

    /// Media types by extension, in lower case and without the dot, that go before the built-in table:
    /// `["gltf": "model/gltf+json"]`.
    public var mediaTypes: [String: String] = [:]

    /// The defaults.
    public init() {}

    /// Whether files whose names begin with a dot are served.
    public enum DotfilePolicy: Sendable {
        /// Answered with 404, as if they did not exist. `.well-known` (RFC 8615), as the path's first segment below
        /// the mount, is the exception.
        case hidden
        /// Served like every other file.
        case served
    }
}
