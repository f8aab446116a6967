/// How a directory's files are served; see ``RouteBuilder/files(_:from:options:)``.
public struct FileOptions: Sendable {
    /// The files that stand for their directory, in the order in which they are looked for.
    public var indexNames = ["index.html"]

    /// What becomes of paths with a segment that begins with a dot; hidden by default.
    public var dotfiles = DotfilePolicy.hidden

    /// The value of `Cache-Control` (RFC 9111 5.2) for files that no rule of ``cacheRules`` is for; nil sends none. By
    /// default clients may store files, but ask before each use whether they are still the same, which costs a request
    /// and no content.
    public var cacheControl: String? = "no-cache"

    /// Values of `Cache-Control` by the file's path; the first rule that matches is used.
    public var cacheRules: [CacheRule] = []

    /// Media types by extension, in lower case and without the dot, that go before the built-in table:
    /// `["gltf": "model/gltf+json"]`.
    public var mediaTypes: [String: String] = [:]

    /// The codings of which compressed siblings are looked for, `app.js.br` beside `app.js`; the earlier of two that a
    /// client likes equally is sent. None by default: each costs every visit to a file an attempt to open one that most
    /// directories don't have, and every response a `Vary` that splits it in shared caches.
    public var precompressed: [PrecompressedCoding] = []

    /// Lists directories that have no index file; false by default.
    public var listsDirectories = false

    /// A directory's entries that a listing shows. What is beyond is not read, and the listing says so.
    public var listingLimit = 1000

    /// A file below the directory, such as `index.html`, that is answered with 200 where there is none at the path, for
    /// applications that route in the browser. It is for GET and HEAD whose `Accept` names `text/html`, as a
    /// browser's does when it goes to a page, and for paths whose last segment has no dot: a script that is missing
    /// stays missing.
    public var spaFallback: String?

    /// A file below the directory, such as `404.html`, that is the content of a 404 to clients that take HTML.
    public var notFoundPage: String?

    /// What is kept of files in memory; nil keeps nothing.
    public var cache: FileCacheOptions? = FileCacheOptions()

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

/// How much of the small files that are asked for often is kept in memory, so that they are answered on the event
/// loop; one cache for each call of ``RouteBuilder/files(_:from:options:)``.
///
/// A file is read anew when its device, inode, size, or time of modification or change is another, or its path leads
/// to another file. That is looked up at most every ``validity``: so long a change may go unseen, never longer. A
/// file that changed within the last second isn't kept, as its times may not tell its next change.
public struct FileCacheOptions: Sendable {
    /// The bytes that are kept at most, 1 KiB for each file's description included. 16 MiB by default.
    public var capacity: Int
    /// Files of more bytes are not kept. 256 KiB by default.
    public var largestFile: Int
    /// For how long a file counts as unchanged once it was looked at. 100 ms by default; zero looks at it at each
    /// request, on the thread pool, and saves only the reading.
    public var validity: Duration
    /// For so many seconds after a change a file isn't kept: its times may not tell the next one.
    var settlingTime: Int64 = 1

    /// Options; each has the default that its property documents.
    public init(
        capacity: Int = 16 * 1024 * 1024, largestFile: Int = 256 * 1024,
        validity: Duration = .milliseconds(100)
    ) {
        self.capacity = capacity
        self.largestFile = largestFile
        self.validity = validity
    }
}
