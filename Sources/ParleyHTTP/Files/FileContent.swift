import ParleyTransport

/// A part of an open file's content, as the body of a response.
struct FileContent: Sendable {
    /// Up to this many bytes are read at once, along with opening the file, and sent as a whole.
    static let wholeLimit: UInt64 = 64 * 1024
    /// What is longer is read in pieces of this many bytes, so that a response holds one piece, however long it is.
    static let pieceSize: UInt64 = 128 * 1024

    let descriptor: FileDescriptor
    let range: Range<UInt64>

    private var length: UInt64 { range.upperBound - range.lowerBound }

    /// The length without the content, for HEAD.
    var announcement: ResponseBody {
        .stream(length: length) { _ in }
    }

    /// The body; a short one is read now, which may block.
    ///
    /// A longer one is read on the loop's thread pool, piece by piece, while it is written. It never has more than the
    /// announced length; when the file becomes shorter it throws, and the connection is reset. The file is closed when
    /// the body is released, whether it was sent or not.
    func body(readOn loop: EventLoop) throws -> ResponseBody {
        guard length > Self.wholeLimit else {
            return .bytes(try descriptor.read(Int(length), from: range.lowerBound))
        }
        return .stream(length: length) { writer in
            var offset = range.lowerBound
            while offset < range.upperBound {
                let (start, count) = (offset, min(Self.pieceSize, range.upperBound - offset))
                let piece = try await loop.finish { try descriptor.read(Int(count), from: start) }
                try await writer.write(piece)
                offset += count
            }
        }
    }
}

extension EventLoop {
    /// Runs blocking work on the thread pool, also for a task that was cancelled: a client that has closed its sending
    /// side only is still to get its file, and one that is gone makes the next write fail.
    func finish<Success: Sendable>(_ work: @escaping @Sendable () throws -> Success) async throws -> Success {
        do {
            return try await offload(work)
        } catch is CancellationError {
            // The work was not begun. A task of its own is not cancelled.
            return try await Task(executorPreference: self) { try await self.offload(work) }.value
        }
    }
}
