import Glibc

/// A thread of a test.
final class RawThread: @unchecked Sendable {
    private var thread = pthread_t()

    init(_ body: @escaping @Sendable () -> Void) {
        let box = Body(body)
        pthread_create(
            &thread, nil,
            { argument in
                argument.map { Unmanaged<Body>.fromOpaque($0).takeRetainedValue() }?.body()
                return nil
            }, Unmanaged.passRetained(box).toOpaque())
    }

    func detach() { pthread_detach(thread) }

    func join() { pthread_join(thread, nil) }

    fileprivate final class Body {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }
}
