import HTTPTypes

/// A route's pattern, cut at its slashes: `/users/:id/files/**`.
///
/// Literal segments are compared with the decoded segments of a path. `:name` and `*` match one segment that is not
/// empty, `**` matches one or more segments of any kind and stands at the end. A trailing slash is a last segment that
/// is empty, so that `/a` and `/a/` are two patterns.
struct RoutePattern: Sendable, Equatable {
    enum Segment: Sendable, Equatable {
        case literal(String)
        case parameter(String)
        case wildcard
        case rest
    }

    let segments: [Segment]

    /// The pattern with a slash at its start, as logs and metrics name the route.
    let text: String

    /// The names of what is captured, in the order of the segments.
    var parameterNames: [String] {
        segments.compactMap { segment in
            switch segment {
            case .parameter(let name): name
            case .rest: "**"
            case .literal, .wildcard: nil
            }
        }
    }

    /// The path that the pattern matches byte for byte, where it has literal segments only and none of them could
    /// stand escaped in a path that is read without decoding it.
    var literalPath: String? {
        var path = ""
        for case .literal(let text) in segments {
            guard !text.utf8.contains(where: { $0 == 0x25 || $0 == 0x2F }) else { return nil }
            path += "/" + text
        }
        let isLiteral = segments.allSatisfy { if case .literal = $0 { true } else { false } }
        return isLiteral ? path : nil
    }

    /// Reads a pattern. A slash at its start is optional; `""` and `"/"` are the path `/`.
    ///
    /// A `**` that is not at the end is a programmer's mistake, and stops the program.
    init(_ pattern: String) {
        var text = pattern[...]
        if text.first == "/" { text = text.dropFirst() }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        segments = parts.map(Self.segment)
        self.text = "/" + text
        let rest = segments.firstIndex(of: .rest)
        precondition(rest == nil || rest == segments.count - 1, "`**` must be the last segment: \(pattern)")
    }

    private static func segment(_ text: Substring) -> Segment {
        switch text {
        case "**": .rest
        case "*": .wildcard
        default:
            text.first == ":" && text.count > 1
                ? .parameter(String(text.dropFirst())) : .literal(String(text))
        }
    }

    /// A path below a prefix: `/api` and `/users` make `/api/users`, `/api` and the empty pattern `/api`.
    static func join(_ prefix: String, _ pattern: String) -> String {
        var prefix = prefix[...]
        if pattern.isEmpty { return String(prefix) }
        while prefix.last == "/" { prefix = prefix.dropLast() }
        return prefix + (pattern.first == "/" ? pattern : "/" + pattern)
    }
}
