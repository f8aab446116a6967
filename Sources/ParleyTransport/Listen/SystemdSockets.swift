#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The sockets that systemd passed to this process (`sd_listen_fds(3)`): descriptors from 3 on, described by `LISTEN_PID`,
/// `LISTEN_FDS` and `LISTEN_FDNAMES`.
struct SystemdSockets: Sendable, Equatable {
    struct Socket: Sendable, Equatable {
        let descriptor: Int32
        let name: String
    }

    private(set) var sockets: [Socket]

    /// The name of a socket that was given none.
    private static let unnamed = "unknown"
    private static let firstDescriptor: Int32 = 3

    /// - Throws: ``TransportError/unusable(address:reason:)`` when the variables are for another process, or make no sense.
    init(
        process: String?, count: String?, names: String?, ownProcess: Int32
    ) throws(TransportError) {
        guard let process, let count else {
            throw Self.unusable("LISTEN_PID and LISTEN_FDS are not set: systemd passed nothing")
        }
        guard Self.number(process) == ownProcess else {
            throw Self.unusable("LISTEN_PID is \(process), and this process is \(ownProcess)")
        }
        guard let count = Self.number(count), count > 0, count <= 65_536 else {
            throw Self.unusable("LISTEN_FDS is \(count)")
        }
        let given = names.map { $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init) }
        let names = given ?? Array(repeating: Self.unnamed, count: Int(count))
        guard names.count == Int(count) else {
            throw Self.unusable("LISTEN_FDNAMES has \(names.count) names for \(count) sockets")
        }
        sockets = names.enumerated().map {
            Socket(descriptor: Self.firstDescriptor + Int32($0.offset), name: $0.element)
        }
    }

    /// Takes the sockets of a name, or all.
    mutating func take(_ name: String?) throws(TransportError) -> [Int32] {
        let taken = sockets.filter { name == nil || $0.name == name }
        guard !taken.isEmpty else {
            let left = sockets.map(\.name).joined(separator: ", ")
            throw Self.unusable(
                "there is no socket \(name.map { "named \($0)" } ?? "left"), but: \(left.isEmpty ? "none" : left)"
            )
        }
        sockets.removeAll { name == nil || $0.name == name }
        return taken.map(\.descriptor)
    }

    private static func unusable(_ reason: String) -> TransportError {
        .unusable(address: "systemd", reason: reason)
    }

    /// Decimal digits, and nothing but.
    private static func number(_ text: String) -> Int32? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int32(text)
    }
}

// MARK: - This process

extension SystemdSockets {
    /// What is left of what this process was given; read from the environment once.
    private static let own = Lock<Result<SystemdSockets, TransportError>>(readEnvironment())

    /// Takes sockets of this process, which then belong to the caller.
    static func take(_ name: String?) throws(TransportError) -> [Int32] {
        try own.withLock { own throws(TransportError) in
            var sockets = try own.get()
            let taken = try sockets.take(name)
            own = .success(sockets)
            return taken
        }
    }

    /// Child processes must get neither the sockets nor the variables.
    private static func readEnvironment() -> Result<SystemdSockets, TransportError> {
        let result = Result { () throws(TransportError) in
            try SystemdSockets(
                process: variable("LISTEN_PID"), count: variable("LISTEN_FDS"),
                names: variable("LISTEN_FDNAMES"), ownProcess: getpid())
        }
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) }
        for socket in (try? result.get())?.sockets ?? [] { InheritedSocket.closeOnExec(socket.descriptor) }
        return result
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
