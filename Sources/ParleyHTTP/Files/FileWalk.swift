#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A walk from the directory that is served down to a file, one open directory at a time.
///
/// No name is ever resolved by the system across a symbolic link: a link's target is read and walked like the path
/// itself, and `..` in it goes back to the directory that the walk came from, never above the root. So the walk can't
/// leave the root, whatever is renamed or relinked meanwhile. Every step may block.
struct FileWalk {
    /// The symbolic links that one walk follows, as many as Linux does.
    static let maximumLinks = 40

    /// Where the walk is: the root, and the directories below it that it went through.
    private var directories: [FileDescriptor]
    private let rootPath: String
    private var linksLeft = Self.maximumLinks

    /// Begins a walk at a directory, which is opened anew for each walk, so that it may be replaced at any time (as
    /// deployments do with a symbolic link).
    init(root path: String) throws(FileError) {
        rootPath = path
        do {
            directories = [try FileDescriptor.root(path)]
        } catch {
            guard case .system(let code, _) = error, error.isAbsence else { throw error }
            throw .noRoot(path, code)
        }
    }

    /// Walks along names, and opens what the last one stands for. Without names it is the directory where the walk is.
    ///
    /// When it is a directory, the walk can go on from there: by another call.
    mutating func open(_ names: [String]) throws(FileError) -> OpenFile {
        var pending = Array(names.reversed())
        while let name = pending.popLast() {
            switch name {
            case "", ".": continue
            case "..": try leave()
            default:
                guard let item = try step(name, isLast: pending.isEmpty) else {
                    try follow(name, &pending)
                    continue
                }
                guard pending.isEmpty else {
                    directories.append(item)
                    continue
                }
                return try finish(item)
            }
        }
        return try OpenFile(descriptor: current, status: current.status())
    }

    /// The names in the directory where the walk is, at most so many.
    func names(atMost limit: Int) throws(FileError) -> [String] {
        try current.names(atMost: limit)
    }

    private var current: FileDescriptor {
        // The root stays in the list: `leave` keeps it.
        directories[directories.count - 1]
    }

    private mutating func leave() throws(FileError) {
        guard directories.count > 1 else { throw .notFound }
        directories.removeLast()
    }

    /// Opens one name in the current directory; nil when it is a symbolic link.
    private func step(_ name: String, isLast: Bool) throws(FileError) -> FileDescriptor? {
        do {
            return try isLast ? current.item(name) : current.directory(name)
        } catch {
            // Which of the two codes a link causes depends on the flags and the system.
            guard case .system(ELOOP, _) = error else {
                guard case .system(ENOTDIR, _) = error, current.linkTarget(name) != nil else { throw error }
                return nil
            }
            return nil
        }
    }

    /// Puts the names of a link's target in front of those that are pending.
    private mutating func follow(_ name: String, _ pending: inout [String]) throws(FileError) {
        guard linksLeft > 0, let target = current.linkTarget(name) else { throw .notFound }
        linksLeft -= 1
        var relative = target[...]
        if target.utf8.first == FileByte.slash {
            guard let below = Self.pathBelowRoot(target, rootPath) else { throw .notFound }
            relative = below
            directories.removeSubrange(1...)
        }
        let names = relative.utf8.split(separator: FileByte.slash).map { String(Substring($0)) }
        // A target that ends with a slash means a directory.
        if relative.utf8.last == FileByte.slash { pending.append(".") }
        pending += names.reversed()
    }

    private mutating func finish(_ item: FileDescriptor) throws(FileError) -> OpenFile {
        let status = try item.status()
        guard status.kind != .other else { throw .notFound }
        if status.kind == .directory { directories.append(item) }
        return OpenFile(descriptor: item, status: status)
    }

    /// What of an absolute path is below the root; nil when it leads elsewhere. Only names are compared here: the
    /// walk itself sees to it that nothing else than what is below the root is opened.
    private static func pathBelowRoot(_ path: String, _ rootPath: String) -> Substring? {
        for root in [rootPath, canonicalPath(rootPath)] {
            guard var prefix = root?.utf8[...] else { continue }
            while prefix.last == FileByte.slash { prefix.removeLast() }
            guard path.utf8.starts(with: prefix) else { continue }
            let rest = path.utf8.dropFirst(prefix.count)
            if rest.isEmpty || rest.first == FileByte.slash { return Substring(rest) }
        }
        return nil
    }

    private static func canonicalPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(validatingCString: resolved)
    }
}

/// What a ``FileWalk`` found: a regular file or a directory, open.
struct OpenFile: Sendable {
    let descriptor: FileDescriptor
    let status: FileStatus
}
