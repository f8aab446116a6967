import ParleyHTTP

/// The way of one client into the namespace that it asks for: which namespace that is may have to be asked, and a dynamic
/// one is made last of all, when nothing refused the client.
struct Entrance: Sendable {
    private enum Kind {
        case fixed(Namespace)
        /// The first parent that may have a child of this name, with the parameters, or the predicates to ask before that.
        case dynamic(asked: [Namespace], matching: (Namespace, PathParameters)?)
    }

    let name: String
    private let kind: Kind

    init(_ namespace: Namespace) {
        name = namespace.name
        kind = .fixed(namespace)
    }

    /// Nil when none of the parents may have a child of this name.
    init?(_ name: String, parents: [Namespace]) {
        var asked: [Namespace] = []
        var matching: (Namespace, PathParameters)?
        for parent in parents {
            guard let rule = parent.family?.rule else { continue }
            if case .predicate = rule {
                asked.append(parent)
            } else if let parameters = rule.match(name) {
                matching = (parent, parameters)
                break
            }
        }
        guard !asked.isEmpty || matching != nil else { return nil }
        self.name = name
        kind = .dynamic(asked: asked, matching: matching)
    }

    /// The namespace, when nothing has to be asked; nil when there is a middleware or a predicate.
    func open(_ handshake: Handshake) throws -> Namespace? {
        switch kind {
        case .fixed(let namespace): return namespace.middleware.isEmpty ? namespace : nil
        case .dynamic(let asked, let matching):
            guard asked.isEmpty, let (parent, parameters) = matching, parent.middleware.isEmpty,
                parent.family?.find(name)?.middleware.isEmpty ?? true
            else { return nil }
            handshake.adopt(parameters)
            return try parent.family?.acquire(name, parameters, of: parent)
        }
    }

    /// Asks everybody; returns the namespace that the client may enter.
    func pass(_ handshake: Handshake) async throws -> Namespace {
        guard case .fixed(let namespace) = kind else { return try await passDynamic(handshake) }
        for step in namespace.middleware { try await step(handshake) }
        return namespace
    }

    private func passDynamic(_ handshake: Handshake) async throws -> Namespace {
        guard let (parent, parameters) = try await parent(handshake), let family = parent.family else {
            throw ConnectError("Invalid namespace")
        }
        handshake.adopt(parameters)
        let steps = family.find(name)?.middleware ?? parent.middleware
        for step in steps { try await step(handshake) }
        try Task.checkCancellation()
        let child = try family.acquire(name, parameters, of: parent)
        do {
            // What was added meanwhile, or belongs to the child alone.
            for step in child.middleware.dropFirst(steps.count) { try await step(handshake) }
        } catch {
            family.release(child)
            throw error
        }
        return child
    }

    private func parent(_ handshake: Handshake) async throws -> (Namespace, PathParameters)? {
        guard case .dynamic(let asked, let matching) = kind else { return nil }
        for parent in asked {
            guard case .predicate(let isAllowed)? = parent.family?.rule else { continue }
            if try await isAllowed(name, handshake) { return (parent, PathParameters()) }
        }
        return matching
    }
}
