/// The limits of what a multipart body is made of. Bytes of content are the caller's to count.
package struct MultipartLimits: Sendable {
    /// The parts of a body.
    package var parts = 1000
    /// The bytes of a part's header section, its line ends included.
    package var headerBytes = 8192
    /// The fields of a part's header section.
    package var headerFields = 32
    /// The bytes before the first boundary.
    package var preambleBytes = 8192

    /// The defaults.
    package init() {}
}

/// Why a body is no multipart body, or a larger one than it may be.
package struct MultipartError: Error, Sendable, Equatable {
    /// The rule or the limit.
    package let rule: String
    /// True where the body may be well-formed, but is too large.
    package let isLimit: Bool

    private init(_ rule: String, isLimit: Bool = false) {
        self.rule = rule
        self.isLimit = isLimit
    }

    static let boundary = MultipartError("RFC 2046 5.1.1: the boundary is missing or malformed")
    static let delimiter = MultipartError("RFC 2046 5.1.1: a boundary is not followed by the end of its line")
    static let bareLineFeed = MultipartError("RFC 2046 5.1: a line ends with LF alone")
    static let fieldName = MultipartError("RFC 7578 4.8: a part's header line is no field")
    static let fieldValue = MultipartError("RFC 7578 4.8: a part's header has a control character")
    static let truncated = MultipartError("RFC 2046 5.1.1: the final boundary is missing")

    static func limit(_ name: String, _ value: Int, _ unit: String) -> MultipartError {
        MultipartError("limit \(name): more than \(value) \(unit)", isLimit: true)
    }
}
