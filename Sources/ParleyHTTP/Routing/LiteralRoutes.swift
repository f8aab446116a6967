import HTTPTypes

/// The routes without placeholders, by their paths. A dictionary hashes with a secret, so that strangers can't fill it with
/// keys that collide: here they only look for what the application put in, and a plain hash is enough.
struct LiteralRoutes: Sendable {
    private var routes: [(path: [UInt8], methods: RouteMethods)] = []
    /// Places in ``routes``, each where its path's hash has it or in the next free place behind; less than half of them
    /// are taken, and their number is a power of two.
    private var slots: [Int?] = [nil, nil]

    /// Adds an endpoint; nil is every method.
    mutating func add(_ endpoint: RouteEndpoint, for method: HTTPRequest.Method?, at path: String) {
        let path = Array(path.utf8)
        if let index = slots[slot(of: path.span)] { return routes[index].methods.add(endpoint, for: method) }
        var methods = RouteMethods()
        methods.add(endpoint, for: method)
        routes.append((path, methods))
        if routes.count * 2 >= slots.count {
            rebuild(slotCount: slots.count * 2)
        } else {
            slots[slot(of: path.span)] = routes.count - 1
        }
    }

    /// The endpoint for a path as it was sent, byte for byte, and a method.
    func endpoint(for method: HTTPRequest.Method, at path: Span<UInt8>) -> RouteEndpoint? {
        guard let index = slots[slot(of: path)] else { return nil }
        return routes[index].methods.endpoint(for: method)
    }

    private mutating func rebuild(slotCount: Int) {
        slots = Array(repeating: nil, count: slotCount)
        for index in routes.indices {
            let path = routes[index].path
            slots[slot(of: path.span)] = index
        }
    }

    /// The slot of a path, or the free one that it would take.
    private func slot(of path: Span<UInt8>) -> Int {
        var slot = Self.hash(path)
        while true {
            slot &= slots.count &- 1
            guard let index = slots[slot], !routes[index].path.equals(path) else { return slot }
            slot &+= 1
        }
    }

    /// FNV-1a.
    private static func hash(_ path: Span<UInt8>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in path.indices { hash = (hash ^ UInt64(path[index])) &* 0x0000_0100_0000_01B3 }
        return Int(truncatingIfNeeded: hash ^ hash >> 32)
    }
}

extension [UInt8] {
    fileprivate func equals(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }
}
