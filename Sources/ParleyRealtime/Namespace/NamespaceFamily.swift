import ParleyHTTP
import ParleyTransport

/// The children of one parent: the dynamic namespaces that clients made by asking for them.
///
/// A child counts its sockets here, and those on their way into it, so that it is removed when the last is gone and never
/// under one that comes.
final class NamespaceFamily: Sendable {
    typealias Make = @Sendable (String, PathParameters, NamespaceFamily, Namespace.State) -> Namespace

    let rule: NamespaceRule
    private let removesEmpty: Bool
    private let limit: Int
    private let make: Make
    private let onNew: @Sendable (Namespace) -> Void
    private let members = Lock<[String: Member]>([:])

    private struct Member {
        let namespace: Namespace
        var sockets = 0
    }

    init(
        rule: NamespaceRule, removesEmpty: Bool, limit: Int, make: @escaping Make,
        onNew: @escaping @Sendable (Namespace) -> Void
    ) {
        self.rule = rule
        self.removesEmpty = removesEmpty
        self.limit = limit
        self.make = make
        self.onNew = onNew
    }

    var children: [Namespace] { members.withLock { $0.values.map(\.namespace) } }

    func find(_ name: String) -> Namespace? { members.withLock { $0[name]?.namespace } }

    /// The child of this name, for a socket that is about to join it; made when it is not there. `release` takes it back.
    ///
    /// - Throws: ``ConnectError`` when there are too many.
    func acquire(_ name: String, _ parameters: PathParameters, of parent: Namespace) throws -> Namespace {
        let (namespace, isNew) = try members.withLock { members in
            if let member = members[name] {
                members[name]?.sockets += 1
                return (member.namespace, false)
            }
            guard members.count < limit else {
                throw ConnectError("Too many namespaces", data: ["limit": "maxChildNamespaces"])
            }
            let namespace = make(name, parameters, self, parent.inheritance)
            members[name] = Member(namespace: namespace, sockets: 1)
            return (namespace, true)
        }
        if isNew { onNew(namespace) }
        return namespace
    }

    /// The child of this name, made when it is not there: for the application itself, whose namespaces aren't limited.
    func child(_ name: String, _ parameters: PathParameters, of parent: Namespace) -> Namespace {
        let (namespace, isNew) = members.withLock { members in
            if let member = members[name] { return (member.namespace, false) }
            let namespace = make(name, parameters, self, parent.inheritance)
            members[name] = Member(namespace: namespace)
            return (namespace, true)
        }
        if isNew { onNew(namespace) }
        return namespace
    }

    /// A socket is gone, or did not come after all.
    func release(_ namespace: Namespace) {
        let isRemoved = members.withLock { members in
            guard let count = members[namespace.name]?.sockets else { return false }
            members[namespace.name]?.sockets = count - 1
            guard count <= 1, removesEmpty else { return false }
            members[namespace.name] = nil
            return true
        }
        if isRemoved { namespace.adapter.close() }
    }

    /// Changes parent and children, with no child made meanwhile.
    func update(_ parent: Namespace, _ change: (Namespace) -> Void) {
        members.withLock { members in
            change(parent)
            for member in members.values { change(member.namespace) }
        }
    }

    /// Lets the children go, as the server is gone: they know their family.
    func dissolve() { members.withLock { $0 = [:] } }
}

extension Namespace {
    var isParent: Bool { family != nil }

    /// The children of a parent of dynamic namespaces, in no order; nil for other namespaces.
    public var children: [Namespace]? { family?.children }

    /// One of the sockets is gone.
    func lost() { origin?.release(self) }
}
