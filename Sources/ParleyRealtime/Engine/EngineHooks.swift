import HTTPTypes
import ParleyHTTP
import ParleyTransport

/// What an application wants to be called for on the way of Engine.IO requests.
final class EngineHooks: Sendable {
    typealias Headers = @Sendable (inout HTTPFields, Request) -> Void
    typealias ConnectionError = @Sendable (EngineConnectionError) -> Void

    private struct State {
        var initialHeaders: [Headers] = []
        var headers: [Headers] = []
        var connectionErrors: [ConnectionError] = []
    }

    private let state = Lock(State())

    func add(initialHeaders hook: @escaping Headers) { state.withLock { $0.initialHeaders.append(hook) } }
    func add(headers hook: @escaping Headers) { state.withLock { $0.headers.append(hook) } }
    func add(connectionError hook: @escaping ConnectionError) {
        state.withLock { $0.connectionErrors.append(hook) }
    }

    /// False when there was no hook to call.
    func apply(to fields: inout HTTPFields, of request: Request, isInitial: Bool) -> Bool {
        let (initial, every) = state.withLock { ($0.initialHeaders, $0.headers) }
        if isInitial { for hook in initial { hook(&fields, request) } }
        for hook in every { hook(&fields, request) }
        return !every.isEmpty || (isInitial && !initial.isEmpty)
    }

    func report(_ refusal: EngineRefusal, _ request: Request) {
        let hooks = state.withLock { $0.connectionErrors }
        guard !hooks.isEmpty else { return }
        let error = refusal.error(for: request)
        for hook in hooks { hook(error) }
    }
}
