import ParleyTransport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension MultipartPart {
    /// Writes the content to a new file, which only its owner may read, as it comes. The writing is done on the loop's thread
    /// pool. When it fails, or the client goes away before the part's end, the file is removed.
    ///
    /// Links are not followed, and a file that is there already is left as it is.
    /// - Parameter path: where the file goes. Never make it of ``filename``, nor of ``safeFilename`` alone where names may collide.
    /// - Returns: the number of bytes.
    /// - Throws: ``FileWriteError``, and what reading ``body-swift.property`` throws.
    @discardableResult
    public nonisolated(nonsending) func save(to path: String) async throws -> Int {
        let loop = body.reader.loop
        let file = try await loop.offload { try UploadFile(creating: path) }
        do {
            return try await write(to: file, on: loop)
        } catch {
            try? await loop.finish { file.remove() }
            throw error
        }
    }

    /// Writes the content to an open descriptor, which stays open, on the loop's thread pool.
    /// - Returns: the number of bytes.
    /// - Throws: ``FileWriteError``, and what reading ``body-swift.property`` throws.
    @discardableResult
    public nonisolated(nonsending) func save(toDescriptor descriptor: Int32) async throws -> Int {
        try await write(to: UploadFile(borrowing: descriptor), on: body.reader.loop)
    }

    private nonisolated(nonsending) func write(to file: UploadFile, on loop: EventLoop) async throws -> Int {
        var count = 0
        while let piece = try await body.reader.nextPiece(of: body.part) {
            try await loop.offload { try file.write(piece) }
            count += piece.count
        }
        return count
    }
}

/// A file can't be written.
public struct FileWriteError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The system's error number, such as `EEXIST`.
    public let code: Int32
    /// What failed: `open` or `write`.
    public let operation: String

    /// What failed, and the system's word for it.
    public var description: String { "\(operation): \(String(cString: strerror(code)))" }
}

/// A file that is written; closed with the last reference. Every method may block.
private final class UploadFile: Sendable {
    private let descriptor: Int32
    /// Where it was created; nil when it is somebody else's.
    private let path: String?

    init(borrowing descriptor: Int32) {
        self.descriptor = descriptor
        path = nil
    }

    init(creating path: String) throws(FileWriteError) {
        // With O_EXCL a link at the path's end isn't followed.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileWriteError(code: errno, operation: "open") }
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        if path != nil { close(descriptor) }
    }

    func write(_ bytes: [UInt8]) throws(FileWriteError) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
                return systemWrite(descriptor, rest.baseAddress, rest.count)
            }
            if count >= 0 {
                offset += count
            } else if errno != EINTR {
                throw FileWriteError(code: errno, operation: "write")
            }
        }
    }

    func remove() {
        if let path { unlink(path) }
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
