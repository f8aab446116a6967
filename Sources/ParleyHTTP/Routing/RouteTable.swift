import HTTPTypes

/// Every route of an application, compiled once: a table of the paths without placeholders, and a tree of
/// segments for the rest. Immutable, so that every loop reads it without a lock.
struct RouteTable: Sendable {
    /// What the table says about a method and a path.
    enum Match {
        case found(RouteEndpoint, PathParameters)
        /// The path exists for other methods, those of an `Allow` field.
        case otherMethods([String])
        case none
    }

    private var literals = LiteralRoutes()
    private var root = RouteNode()

    init() {}

    /// Adds a route; nil is every method.
    mutating func add(_ pattern: RoutePattern, method: HTTPRequest.Method?, endpoint: RouteEndpoint) {
        if let path = pattern.literalPath {
            literals.add(endpoint, for: method, at: path)
        }
        root.add(pattern.segments[...], method: method, endpoint: endpoint)
    }

    /// Finds the endpoint for a target as it was sent, of which so many bytes are the path.
    func match(method: HTTPRequest.Method, target: String, pathLength: Int) -> Match {
        if let endpoint = literals.endpoint(for: method, at: target.utf8.span.extracting(first: pathLength)) {
            return .found(endpoint, PathParameters())
        }
        guard target.utf8.first == 0x2F else { return .none }
        var search = RouteSearch(method: method, rawPath: Substring(target.utf8.prefix(pathLength)))
        if let endpoint = search.run(from: root) {
            return .found(endpoint, PathParameters(names: endpoint.parameterNames, values: search.values))
        }
        return search.allowed.isEmpty ? .none : .otherMethods(search.allowed)
    }

    /// Every method that some route has, for `OPTIONS *`.
    var methods: [String] {
        var found: [String] = []
        root.collectMethods(into: &found)
        return found
    }
}

/// A place in the tree of segments.
struct RouteNode: Sendable {
    private(set) var literals: [String: RouteNode] = [:]
    private(set) var parameter: Box?
    private(set) var wildcard: Box?
    private(set) var rest: RouteMethods?
    private(set) var methods: RouteMethods?

    /// A node behind a reference, since a value can't hold itself. Immutable once the table is built.
    final class Box: Sendable {
        let node: RouteNode
        init(_ node: RouteNode) { self.node = node }
    }

    mutating func add(
        _ segments: ArraySlice<RoutePattern.Segment>, method: HTTPRequest.Method?, endpoint: RouteEndpoint
    ) {
        guard let first = segments.first else {
            methods = Self.adding(endpoint, for: method, to: methods)
            return
        }
        let remaining = segments.dropFirst()
        switch first {
        case .literal(let text):
            literals[text, default: RouteNode()].add(remaining, method: method, endpoint: endpoint)
        case .parameter:
            parameter = Self.adding(remaining, method, endpoint, to: parameter)
        case .wildcard:
            wildcard = Self.adding(remaining, method, endpoint, to: wildcard)
        case .rest:
            rest = Self.adding(endpoint, for: method, to: rest)
        }
    }

    private static func adding(
        _ segments: ArraySlice<RoutePattern.Segment>, _ method: HTTPRequest.Method?,
        _ endpoint: RouteEndpoint,
        to box: Box?
    ) -> Box {
        var node = box?.node ?? RouteNode()
        node.add(segments, method: method, endpoint: endpoint)
        return Box(node)
    }

    private static func adding(
        _ endpoint: RouteEndpoint, for method: HTTPRequest.Method?, to methods: RouteMethods?
    ) -> RouteMethods {
        var methods = methods ?? RouteMethods()
        methods.add(endpoint, for: method)
        return methods
    }

    func collectMethods(into found: inout [String]) {
        for method in (methods?.allowed ?? []) + (rest?.allowed ?? []) where !found.contains(method) {
            found.append(method)
        }
        for node in literals.values { node.collectMethods(into: &found) }
        parameter?.node.collectMethods(into: &found)
        wildcard?.node.collectMethods(into: &found)
    }
}
