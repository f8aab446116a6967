import ParleyHTTP
import ParleyTransport

/// Which names a parent makes namespaces of.
enum NamespaceRule: Sendable {
    typealias Predicate = @Sendable (String, Handshake) async throws -> Bool

    case pattern(NamespacePattern)
    case regex(NamespaceRegex)
    case predicate(Predicate)

    /// What the rule captures of a name that it matches; nil for other names, and for a predicate, which must be asked.
    func match(_ name: String) -> PathParameters? {
        switch self {
        case .pattern(let pattern): pattern.match(name)
        case .regex(let regex): regex.match(name)
        case .predicate: nil
        }
    }
}

/// A pattern of names, such as `/rooms/:id`: `:name` and `*` stand for one segment that isn't empty, `**` at the end for one
/// segment or more. Names are text, not URLs: nothing is percent-decoded.
struct NamespacePattern: Sendable {
    let text: String
    private let segments: [Segment]
    private let hasRest: Bool

    private enum Segment: Sendable {
        case literal(Substring)
        case parameter(String)
        case any
    }

    init(_ pattern: String) {
        text = pattern.hasPrefix("/") ? pattern : "/" + pattern
        var parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        hasRest = parts.last == "**"
        if hasRest { parts.removeLast() }
        segments = parts.map { part in
            if part == "*" { return .any }
            return part.hasPrefix(":") && part.count > 1
                ? .parameter(String(part.dropFirst())) : .literal(part)
        }
    }

    func match(_ name: String) -> PathParameters? {
        guard name.utf8.first == UInt8(ascii: "/") else { return nil }
        let parts = name.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard hasRest ? parts.count > segments.count : parts.count == segments.count else { return nil }
        var names: [String] = []
        var values: [String] = []
        for (segment, part) in zip(segments, parts) {
            switch segment {
            case .literal(let text): guard text == part else { return nil }
            case .any: guard !part.isEmpty else { return nil }
            case .parameter(let parameter):
                guard !part.isEmpty else { return nil }
                names.append(parameter)
                values.append(String(part))
            }
        }
        if hasRest {
            names.append("**")
            values.append(parts[segments.count...].joined(separator: "/"))
        }
        return PathParameters(names: names, values: values)
    }
}

/// A regular expression that whole names must match; its named captures are the parameters.
final class NamespaceRegex: Sendable {
    private let regex: Lock<Regex<AnyRegexOutput>>

    init(_ regex: sending Regex<AnyRegexOutput>) { self.regex = Lock(regex) }

    func match(_ name: String) -> PathParameters? {
        regex.withLock { regex in
            guard let match = try? regex.wholeMatch(in: name) else { return nil }
            var names: [String] = []
            var values: [String] = []
            for capture in match.output {
                guard let name = capture.name, let value = capture.substring else { continue }
                names.append(name)
                values.append(String(value))
            }
            return PathParameters(names: names, values: values)
        }
    }
}
