import CUV

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// An error of the transport layer.
public enum TransportError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A system call failed: what was attempted, and the `errno` value.
    case system(operation: String, code: Int32)
    /// A host name has no usable address: the name, and the resolver's reason.
    case unresolved(host: String, reason: String)
    /// An address that cannot be listened on: the address, and what is wrong with it.
    case unusable(address: String, reason: String)
    /// What did not finish in its time.
    case timedOut(operation: String)
    /// The event loop is stopping or has stopped.
    case loopStopped

    /// True when the address that was to be bound is in use by another socket (`EADDRINUSE`).
    public var isAddressInUse: Bool {
        if case .system(_, EADDRINUSE) = self { return true }
        return false
    }

    /// What failed and why, with the name of the system's error.
    public var description: String {
        switch self {
        case .system(let operation, let code):
            return "\(operation): \(SystemError.text(errno: code))"
        case .unresolved(let host, let reason):
            return "cannot resolve \(host): \(reason)"
        case .unusable(let address, let reason):
            return "cannot listen on \(address): \(reason)"
        case .timedOut(let operation):
            return "\(operation): timed out"
        case .loopStopped:
            return "the event loop has stopped"
        }
    }
}

/// Error codes of libuv and of the system, put into words.
enum SystemError {
    static func text(errno code: Int32) -> String {
        text(uv: -code)
    }

    /// libuv's codes are the negated `errno` values on every Unix, and a few of its own.
    static func text(uv status: Int32) -> String {
        guard let message = uv_strerror(status), let name = uv_err_name(status) else {
            return "error \(status)"
        }
        return "\(String(cString: message)) (\(String(cString: name)))"
    }
}

/// Turns a libuv status into a thrown error.
func check(_ status: Int32, _ operation: @autoclosure () -> String) throws(TransportError) {
    guard status < 0 else { return }
    throw .system(operation: operation(), code: -status)
}

/// Turns the -1 of a system call into a thrown error with `errno`.
@discardableResult
func checkCall(_ result: Int32, _ operation: @autoclosure () -> String) throws(TransportError) -> Int32 {
    guard result == -1 else { return result }
    throw .system(operation: operation(), code: errno)
}
