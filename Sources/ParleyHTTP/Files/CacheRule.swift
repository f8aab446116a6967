/// A value of `Cache-Control` for the files whose path matches a pattern.
///
/// ```swift
/// options.cacheRules = [
///     CacheRule("assets/**", "public, max-age=31536000, immutable"),
///     CacheRule("*.html", "no-cache"),
/// ]
/// ```
public struct CacheRule: Sendable {
    /// The pattern for the file's path below the mount, which is that of the index file for a directory. `*` stands
    /// for any characters of a segment, `?` for one, `**` as a segment for any number of segments. A pattern without
    /// a slash is for names in every directory.
    public let pattern: String
    /// The field's value; nil sends none.
    public let cacheControl: String?

    let glob: PathGlob

    /// Creates a rule.
    public init(_ pattern: String, _ cacheControl: String?) {
        self.pattern = pattern
        self.cacheControl = cacheControl
        glob = PathGlob(pattern)
    }
}

/// A pattern of paths, compared by Unicode scalars. Matching takes at most the product of the lengths: only the last star is ever gone back to.
struct PathGlob: Sendable {
    private let segments: [[Unicode.Scalar]]

    private static let anyNumber: [Unicode.Scalar] = ["*", "*"]

    init(_ pattern: String) {
        var segments = pattern.unicodeScalars.split(separator: "/").map(Array.init)
        if !pattern.utf8.contains(FileByte.slash), !segments.isEmpty {
            segments.insert(Self.anyNumber, at: 0)
        }
        self.segments = segments
    }

    /// Whether a path matches, given as the names on its way.
    func matches(_ names: [String]) -> Bool {
        Self.match(
            pattern: segments, names, isStar: { $0 == Self.anyNumber },
            isEqual: { segment, name in
                Self.match(
                    pattern: segment, Array(name.unicodeScalars), isStar: { $0 == "*" },
                    isEqual: { $0 == "?" || $0 == $1 })
            })
    }

    /// The usual matching with one kind of star, of scalars as of segments.
    private static func match<Token, Element>(
        pattern: [Token], _ input: [Element], isStar: (Token) -> Bool, isEqual: (Token, Element) -> Bool
    ) -> Bool {
        var (token, element) = (0, 0)
        var lastStar: (token: Int, element: Int)?
        while element < input.count {
            if token < pattern.count, isStar(pattern[token]) {
                lastStar = (token, element)
                token += 1
            } else if token < pattern.count, isEqual(pattern[token], input[element]) {
                token += 1
                element += 1
            } else if let star = lastStar {
                lastStar = (star.token, star.element + 1)
                (token, element) = (star.token + 1, star.element + 1)
            } else {
                return false
            }
        }
        return pattern[token...].allSatisfy(isStar)
    }
}
