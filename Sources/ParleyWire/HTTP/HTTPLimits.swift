/// The limits of what is accepted in a request's head and framing. A request that exceeds one fails with an error
/// that names it; nothing beyond a limit is ever buffered.
public struct HTTPLimits: Sendable, Equatable {
    /// The bytes of a header section (or of a trailer section), line ends included. Beyond: 431.
    public var headerSectionBytes = 32 * 1024
    /// The bytes of one field line, without its line end. Beyond: 431.
    public var headerFieldBytes = 16 * 1024
    /// The number of field lines in a section. Beyond: 431.
    public var headerCount = 100
    /// The bytes of the request target. Beyond: 414.
    public var targetBytes = 8192
    /// The bytes of the extensions on one chunk's size line. Beyond: 413.
    public var chunkExtensionLineBytes = 256
    /// The bytes of all chunk extensions in one body. Beyond: 413.
    public var chunkExtensionBodyBytes = 16 * 1024
    /// The empty lines that are skipped before a request line (RFC 9112 2.2). Beyond: 400.
    public var leadingEmptyLines = 4

    /// The defaults.
    public init() {}
}
