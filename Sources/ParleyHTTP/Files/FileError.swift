import HTTPTypes

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Why a file can't be served.
enum FileError: Error, Equatable, CustomStringConvertible {
    /// There is nothing at the path that is served: also what is hidden, or leads out of the directory.
    case notFound
    /// The file ends before the length that was announced: it was changed while it was read.
    case shrunk
    /// The directory that is served can't be opened: its path and the system's error code.
    case noRoot(String, Int32)
    /// A system call failed with this code.
    case system(Int32, StaticString)

    /// What happened, for the log.
    var description: String {
        switch self {
        case .notFound: "no such file"
        case .shrunk: "the file became shorter while it was read"
        case .noRoot(let path, let code):
            "can't open the directory \(path): \(String(cString: strerror(code)))"
        case .system(let code, let call): "\(call): \(String(cString: strerror(code)))"
        }
    }

    static func == (left: FileError, right: FileError) -> Bool {
        left.description == right.description
    }

    /// True when the code of a failed `open` says that there is nothing to serve by the name: no such file, no right
    /// to read it, or a kind of file that can't be opened.
    var isAbsence: Bool {
        guard case .system(let code, _) = self else { return self == .notFound }
        return switch code {
        case ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EACCES, EPERM, ENXIO, ENODEV, EOPNOTSUPP, EINVAL: true
        default: false
        }
    }

    /// The error as the client is told of it; nil for what is the server's own trouble.
    var httpError: HTTPError? {
        if isAbsence { return HTTPError(.notFound) }
        guard case .system(let code, _) = self, [EMFILE, ENFILE, ENOMEM].contains(code) else { return nil }
        return HTTPError(.serviceUnavailable)
    }
}
