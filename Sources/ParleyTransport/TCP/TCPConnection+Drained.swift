#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

// For sending past the outbox, as sendfile(2) does. Whoever does so waits until nothing is on its way here, sends nothing
// here meanwhile, and owns a descriptor of its own: the connection's may be closed, and its number be another socket's, at
// any time.
extension TCPConnection {
    /// Another descriptor of the socket, which doesn't block, to be closed by the caller. While it is open a reset
    /// doesn't reach the peer. Nil when the connection is closed, or the process has no descriptor left. Loop only.
    package func duplicateDescriptor() -> Int32? {
        guard phase == .open else { return nil }
        let duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        return duplicate >= 0 ? duplicate : nil
    }

    /// Calls back once, at once or later, when the kernel has taken everything that was sent; a connection that is closed
    /// before doesn't. One at a time. Loop only.
    package func whenDrained(_ callback: @escaping () -> Void) {
        drained = callback
        noteDrained()
    }

    /// Called whenever less may be pending than before.
    func noteDrained() {
        guard drained != nil, phase == .open, outgoing.remaining == 0,
            outbox.withLock({ $0.bytes.isEmpty })
        else { return }
        drained.take()?()
    }
}
