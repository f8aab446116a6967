import HTTPTypes

/// One walk through the tree: at each segment literal before parameter before wildcard before `**`, going back where
/// a branch ends without an endpoint for the method. A node is visited at most once, as the tree has one way to it.
struct RouteSearch {
    private let method: HTTPRequest.Method
    private let rawSegments: [Substring]
    private let segments: [String]
    /// What was captured on the way to the endpoint.
    private(set) var values: [String] = []
    /// The methods of endpoints that match but for theirs.
    private(set) var allowed: [String] = []

    init(method: HTTPRequest.Method, rawPath: Substring) {
        self.method = method
        rawSegments = rawPath.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        segments = rawSegments.map { PercentCoding.decode($0) }
    }

    mutating func run(from root: RouteNode) -> RouteEndpoint? { search(root, at: 0) }

    private mutating func search(_ node: RouteNode, at index: Int) -> RouteEndpoint? {
        guard index < segments.count else { return endpoint(of: node.methods) }
        let segment = segments[index]
        if let next = node.literals[segment], let found = search(next, at: index + 1) { return found }
        if !segment.isEmpty, let parameter = node.parameter {
            values.append(segment)
            if let found = search(parameter.node, at: index + 1) { return found }
            values.removeLast()
        }
        if !segment.isEmpty, let wildcard = node.wildcard, let found = search(wildcard.node, at: index + 1) {
            return found
        }
        guard let found = endpoint(of: node.rest) else { return nil }
        values.append(restOfPath(from: index))
        return found
    }

    private mutating func endpoint(of methods: RouteMethods?) -> RouteEndpoint? {
        guard let methods else { return nil }
        if let found = methods.endpoint(for: method) { return found }
        for method in methods.allowed where !allowed.contains(method) { allowed.append(method) }
        return nil
    }

    /// The decoded segments with slashes between them. A slash that was escaped stays escaped, so that it can't
    /// be taken for one that separates.
    private func restOfPath(from index: Int) -> String {
        segments[index...].map(Self.escapingSlashes).joined(separator: "/")
    }

    private static func escapingSlashes(_ segment: String) -> String {
        guard segment.utf8.contains(0x2F) else { return segment }
        // By bytes: as Characters a slash with a combining mark behind it would not be a slash.
        let parts = segment.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
        return parts.map { String(Substring($0)) }.joined(separator: "%2F")
    }
}
