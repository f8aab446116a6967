/// Somebody who waits. Behind a reference: the size of a continuation is known at run time only, and would make every field of
/// what holds one be looked for.
final class Waiter<Value: Sendable>: Sendable {
    private let continuation: CheckedContinuation<Value, Never>

    init(_ continuation: CheckedContinuation<Value, Never>) { self.continuation = continuation }

    func resume(returning value: sending Value) { continuation.resume(returning: value) }
}

extension Waiter<Void> {
    func resume() { resume(returning: ()) }
}
