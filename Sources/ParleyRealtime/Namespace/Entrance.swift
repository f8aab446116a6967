import ParleyHTTP
import ParleyWire

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

    /// The session that the client comes back to, if it can be recovered, in a namespace of this name.
    func claim(_ auth: JSONValue, by client: Client) -> SessionRecovery.Claim? {
        for namespace in present {
            if let claim = namespace.recovery?.claim(auth, by: client) { return claim }
        }
        return nil
    }

    /// The namespaces of this name that are there; more than one where predicates take turns.
    private var present: [Namespace] {
        switch kind {
        case .fixed(let namespace): [namespace]
        case .dynamic(let asked, let matching):
            (asked + [matching?.0].compactMap(\.self)).compactMap { $0.family?.find(name) }
        }
    }

    /// The namespace, when nothing has to be asked; nil when there is a middleware or a predicate.
    func open(_ handshake: Handshake, _ claim: SessionRecovery.Claim?) throws -> Namespace? {
        switch kind {
        case .fixed(let namespace): return steps(of: namespace, claim).isEmpty ? namespace : nil
        case .dynamic(let asked, let matching):
            guard asked.isEmpty, let (parent, parameters) = matching,
                steps(of: parent.family?.find(name) ?? parent, claim).isEmpty
            else { return nil }
            handshake.adopt(parameters)
            return try parent.family?.acquire(name, parameters, of: parent)
        }
    }

    /// Asks everybody; returns the namespace that the client may enter. A client that comes back may not have to pass the
    /// middleware again, but predicates are asked for it too.
    func pass(_ handshake: Handshake, _ claim: SessionRecovery.Claim?) async throws -> Namespace {
        guard case .fixed(let namespace) = kind else { return try await passDynamic(handshake, claim) }
        for step in steps(of: namespace, claim) { try await step(handshake) }
        return namespace
    }

    private func steps(
        of namespace: Namespace, _ claim: SessionRecovery.Claim?
    ) -> [Namespace.Middleware] {
        claim?.skipsMiddleware(of: namespace) == true ? [] : namespace.middleware
    }

    private func passDynamic(
        _ handshake: Handshake, _ claim: SessionRecovery.Claim?
    ) async throws -> Namespace {
        guard let (parent, parameters) = try await parent(handshake), let family = parent.family else {
            throw ConnectError("Invalid namespace")
        }
        handshake.adopt(parameters)
        if let child = family.find(name), claim?.skipsMiddleware(of: child) == true {
            return try family.acquire(name, parameters, of: parent)
        }
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
