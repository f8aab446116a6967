import Logging
import ParleyHTTP
import ParleyTransport
import ParleyWire

/// What the parts of a realtime server share.
final class RealtimeCore: Sendable {
    let options: RealtimeOptions
    let logger: Logger
    let counters = DeliveryCounters()
    let decoder: SocketIODecoder
    let engineIO3Decoder: SocketIODecoder
    private let state = Lock(State())

    private struct State {
        var namespaces: [String: Namespace] = [:]
        /// The parents of dynamic namespaces, in the order in which they are tried.
        var parents: [Namespace] = []
        var observers: [@Sendable (Namespace) -> Void] = []
    }

    init(options: RealtimeOptions, logger: Logger) {
        self.options = options
        decoder = SocketIODecoder(limits: options.limits)
        engineIO3Decoder = SocketIODecoder(limits: options.limits.forRevision(.three))
        self.logger = logger
    }

    deinit {
        for parent in state.withLock({ $0.parents }) { parent.family?.dissolve() }
    }

    func namespace(_ name: String) -> Namespace {
        let name = name.hasPrefix("/") ? name : "/" + name
        let (known, parents) = state.withLock { ($0.namespaces[name], $0.parents) }
        if let known { return known }
        for parent in parents {
            guard let family = parent.family, let parameters = family.rule.match(name) else { continue }
            return family.child(name, parameters, of: parent)
        }
        return makeFixed(name)
    }

    private func makeFixed(_ name: String) -> Namespace {
        let (namespace, isNew) = state.withLock { state in
            if let namespace = state.namespaces[name] { return (namespace, false) }
            let namespace = Namespace(name: name, options: options, logger: logger, counters: counters)
            state.namespaces[name] = namespace
            return (namespace, true)
        }
        if isNew { announce(namespace) }
        return namespace
    }

    func makeParent(_ name: String, _ rule: NamespaceRule, removesEmpty: Bool, limit: Int?) -> Namespace {
        let family = NamespaceFamily(
            rule: rule, removesEmpty: removesEmpty, limit: limit ?? options.maxChildNamespaces
        ) { [options, logger, counters] name, parameters, family, inheritance in
            Namespace(
                name: name, options: options, logger: logger, parameters: parameters, origin: family,
                counters: counters, inherited: inheritance)
        } onNew: { [weak self] namespace in
            self?.announce(namespace)
        }
        return Namespace(name: name, options: options, logger: logger, family: family, counters: counters)
    }

    private func announce(_ namespace: Namespace) {
        for observer in state.withLock({ $0.observers }) { observer(namespace) }
    }

    func add(_ parent: Namespace) { state.withLock { $0.parents.append(parent) } }

    func onNewNamespace(_ handler: @escaping @Sendable (Namespace) -> Void) {
        state.withLock { $0.observers.append(handler) }
    }

    var all: [Namespace] {
        let (fixed, parents) = state.withLock { (Array($0.namespaces.values), $0.parents) }
        return fixed + parents.flatMap { $0.children ?? [] }
    }

    /// The way into the namespace of this name; nil when there is none, and none is made.
    func entrance(to name: String) -> Entrance? {
        let (known, parents) = state.withLock { ($0.namespaces[name], $0.parents) }
        if let known { return Entrance(known) }
        return parents.isEmpty ? nil : Entrance(name, parents: parents)
    }
}
