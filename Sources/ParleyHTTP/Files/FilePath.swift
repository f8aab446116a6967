/// The path of a file below a directory that is served, made of a request's path. It is pure: whether anything is
/// there, and whether symbolic links lead out of the directory, ``FileWalk`` finds out.
///
/// Each segment is decoded exactly once and can't be anything but a plain name: not empty, `.` or `..`, without
/// slash, backslash and NUL, and UTF-8.
struct FilePath: Sendable, Equatable {
    /// The names on the way to the file; empty is the directory that is served itself.
    let segments: [String]
    /// True when the path ends with a slash, so that it can only mean a directory.
    let hasTrailingSlash: Bool

    /// A path that the server's owner chose.
    init(segments: [String]) {
        self.segments = segments
        hasTrailingSlash = false
    }

    /// Reads a request's path.
    /// - Parameters:
    ///   - rawPath: the path as it was sent, without the query.
    ///   - mountDepth: the number of leading segments that belong to the route and not to the file.
    init(
        rawPath: Substring, mountDepth: Int, dotfiles: FileOptions.DotfilePolicy
    ) throws(FilePathError) {
        guard rawPath.utf8.first == FileByte.slash else { throw .malformed }
        let rawSegments = rawPath.utf8.dropFirst()
            .split(separator: FileByte.slash, omittingEmptySubsequences: false)
            .dropFirst(mountDepth)
        hasTrailingSlash = rawSegments.last?.isEmpty ?? false
        var decoded: [String] = []
        for raw in hasTrailingSlash ? rawSegments.dropLast() : rawSegments {
            let name = try Self.decode(raw)
            try Self.check(name, isFirst: decoded.isEmpty, dotfiles)
            decoded.append(name)
        }
        segments = decoded
    }

    private static func decode(_ raw: Substring.UTF8View) throws(FilePathError) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(raw.count)
        var rest = raw
        while let byte = rest.popFirst() {
            var decoded = byte
            if byte == FileByte.percent {
                guard let high = rest.popFirst().flatMap(FileByte.hexadecimalValue),
                    let low = rest.popFirst().flatMap(FileByte.hexadecimalValue)
                else { throw .malformed }
                decoded = high << 4 | low
            }
            // What was escaped could become a separator for the file system, or end its string.
            switch decoded {
            case 0, FileByte.slash, FileByte.backslash: throw .malformed
            default: bytes.append(decoded)
            }
        }
        guard let name = String(validating: bytes, as: UTF8.self) else { throw .malformed }
        return name
    }

    private static func check(
        _ name: String, isFirst: Bool, _ dotfiles: FileOptions.DotfilePolicy
    ) throws(FilePathError) {
        if name == ".." { throw .malformed }
        // `//` is not collapsed: two paths for one file would each have their own relative links and cache entries.
        if name.isEmpty || name == "." || !isVisible(name, isFirst: isFirst, dotfiles) { throw .hidden }
    }

    private static func isVisible(
        _ name: String, isFirst: Bool, _ dotfiles: FileOptions.DotfilePolicy
    ) -> Bool {
        name.utf8.first != FileByte.dot || dotfiles == .served || isFirst && name == ".well-known"
    }

    /// Whether a name that is in a directory can be asked for.
    static func isServed(_ name: String, isFirst: Bool, _ dotfiles: FileOptions.DotfilePolicy) -> Bool {
        !name.utf8.contains(FileByte.backslash) && isVisible(name, isFirst: isFirst, dotfiles)
    }
}

// MARK: - As a key

extension FilePath {
    /// What tells this path from every other below the mount.
    var key: String {
        segments.reduce(into: "") { $0 += "/" + $1 } + (hasTrailingSlash ? "/" : "")
    }

    /// The key of a request's path, as ``key`` has it; nil for a path that has none. Where nothing is escaped no
    /// segment is looked at: whatever could not be a path has no file under its key.
    static func key(rawPath: String, mountDepth: Int) -> String? {
        if rawPath.utf8.contains(FileByte.percent) {
            return try? FilePath(rawPath: rawPath[...], mountDepth: mountDepth, dotfiles: .served).key
        }
        guard mountDepth > 0 else { return rawPath }
        var rest = rawPath.utf8[...]
        for _ in 0..<mountDepth {
            guard let slash = rest.dropFirst().firstIndex(of: FileByte.slash) else { return nil }
            rest = rest[slash...]
        }
        return String(Substring(rest))
    }
}

/// Why a path is not looked for at all.
enum FilePathError: Error, Equatable {
    /// It is no path of a file: 400.
    case malformed
    /// It names what is never served: 404.
    case hidden
}
