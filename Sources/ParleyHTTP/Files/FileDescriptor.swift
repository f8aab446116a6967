#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// An open file or directory, closed when the last reference goes: whichever way a response ends, its file is closed.
///
/// Every method may block and belongs on the thread pool.
final class FileDescriptor: Sendable {
    let number: Int32

    private init(number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }

    /// Opens a directory by a path that the server's owner chose: symbolic links are followed.
    static func root(_ path: String) throws(FileError) -> FileDescriptor {
        try FileDescriptor(opening: path, in: AT_FDCWD, flags: OpenFlags.directory)
    }

    /// Opens a file by a path that the application chose, to be read: symbolic links are followed.
    static func file(_ path: String) throws(FileError) -> FileDescriptor {
        try FileDescriptor(opening: path, in: AT_FDCWD, flags: OpenFlags.item & ~O_NOFOLLOW)
    }

    /// Opens a directory in this one, for walking through; a symbolic link is not followed.
    func directory(_ name: String) throws(FileError) -> FileDescriptor {
        try FileDescriptor(opening: name, in: number, flags: OpenFlags.directory | O_NOFOLLOW)
    }

    /// Opens what a name in this directory stands for, to be read; a symbolic link is not followed.
    func item(_ name: String) throws(FileError) -> FileDescriptor {
        try FileDescriptor(opening: name, in: number, flags: OpenFlags.item)
    }

    private convenience init(opening name: String, in directory: Int32, flags: Int32) throws(FileError) {
        while true {
            let result = openat(directory, name, flags | O_CLOEXEC)
            if result >= 0 {
                self.init(number: result)
                return
            }
            let code = errno
            guard code == EINTR else { throw .system(code, "open") }
        }
    }

    /// The target of a symbolic link in this directory; nil when the name is something else, or the target is longer
    /// than any path may be.
    func linkTarget(_ name: String) -> String? {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlinkat(number, name, &bytes, bytes.count)
        guard length > 0, length < bytes.count else { return nil }
        return String(validating: bytes[..<length], as: UTF8.self)
    }

    /// What the system knows about the file.
    func status() throws(FileError) -> FileStatus {
        var status = stat()
        guard fstat(number, &status) == 0 else { throw .system(errno, "fstat") }
        return FileStatus(status)
    }

    /// The names in this directory but `.` and `..`, in the system's order and at most so many; those that are not
    /// UTF-8 can't be asked for, and are left out.
    func names(atMost limit: Int) throws(FileError) -> [String] {
        // A descriptor of its own: this one may be good for walking only, and reading moves its position.
        let listed = try FileDescriptor.duplicateForReading(number)
        guard let stream = fdopendir(listed) else {
            let code = errno
            close(listed)
            throw .system(code, "fdopendir")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while names.count < limit, let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 1) { String(validatingCString: $0) }
            }
            if let name, name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func duplicateForReading(_ directory: Int32) throws(FileError) -> Int32 {
        let result = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard result >= 0 else { throw .system(errno, "open") }
        return result
    }

    /// Reads exactly that many bytes from an offset, both within what ``status()`` said. Throws ``FileError/shrunk`` when the file ends before.
    func read(_ count: Int, from offset: UInt64) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count {
                let remaining = UnsafeMutableBufferPointer(rebasing: buffer[initialized...])
                let position = off_t(offset) + off_t(initialized)
                let length = pread(number, remaining.baseAddress, remaining.count, position)
                if length > 0 {
                    initialized += length
                } else if length == 0 {
                    throw FileError.shrunk
                } else if errno != EINTR {
                    throw FileError.system(errno, "read")
                }
            }
        }
    }
}

private enum OpenFlags {
    #if os(Linux)
        /// `O_PATH`, which Glibc's module does not have: walking through a directory needs no right to list it.
        static let path: Int32 = 0o10_000_000
    #else
        static let path: Int32 = O_RDONLY
    #endif
    static let directory = path | O_DIRECTORY
    /// `O_NONBLOCK`: opening a FIFO must not wait for its writer. It means nothing for regular files.
    static let item = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
}
