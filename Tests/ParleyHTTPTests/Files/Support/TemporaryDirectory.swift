import Foundation

/// A directory for one test, removed when the test is over.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("parley-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func path(_ name: String) -> String { path + "/" + name }

    func directory(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
    }

    /// Writes a file, and the directories on the way to it.
    func write(_ text: String, to name: String) throws {
        try write(Array(text.utf8), to: name)
    }

    func write(_ bytes: [UInt8], to name: String) throws {
        let url = URL(fileURLWithPath: path(name))
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    func link(_ name: String, to target: String) throws {
        let result = symlink(target, path(name))
        guard result == 0 else { throw POSIXError(.EIO) }
    }

    /// Makes a FIFO, which nobody writes to.
    func fifo(_ name: String) throws {
        guard mkfifo(path(name), 0o600) == 0 else { throw POSIXError(.EIO) }
    }

    /// Makes a file of that many bytes that takes no space; shortens or lengthens one that is there.
    func truncate(_ name: String, to size: Int) throws {
        let descriptor = open(path(name), O_RDWR | O_CREAT, 0o600)
        guard descriptor >= 0 else { throw POSIXError(.EIO) }
        defer { close(descriptor) }
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw POSIXError(.EIO) }
    }

    /// Sets when the content was last modified, in seconds since 1970.
    func setModified(_ name: String, seconds: Int, nanoseconds: Int = 0) throws {
        var times = [timespec(), timespec()]
        times[0].tv_sec = seconds
        times[1].tv_sec = seconds
        times[1].tv_nsec = nanoseconds
        guard utimensat(AT_FDCWD, path(name), times, 0) == 0 else { throw POSIXError(.EIO) }
    }
}
