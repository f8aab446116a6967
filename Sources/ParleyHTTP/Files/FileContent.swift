import ParleyTransport

/// Where the bytes of a file come from.
enum FileSource: Sendable {
    case open(FileDescriptor)
    /// The whole file.
    case memory([UInt8])

    /// Reads a part; blocks where the file has to be read.
    func read(_ range: Range<UInt64>) throws -> [UInt8] {
        let count = Int(range.upperBound - range.lowerBound)
        switch self {
        case .open(let descriptor): return try descriptor.read(count, from: range.lowerBound)
        case .memory(let bytes):
            // Within the array, as ranges are resolved by its count.
            return count == bytes.count ? bytes : Array(bytes[Int(range.lowerBound)...].prefix(count))
        }
    }
}

/// The parts of a file, and what stands between them, as the body of a response.
struct FileContent: Sendable {
    /// A piece of the body.
    enum Segment: Sendable {
        case bytes([UInt8])
        case range(Range<UInt64>)

        var length: UInt64 {
            switch self {
            case .bytes(let bytes): UInt64(bytes.count)
            case .range(let range): range.upperBound - range.lowerBound
            }
        }
    }

    /// Up to this many bytes are read at once, along with opening the file, and sent as a whole.
    static let wholeLimit: UInt64 = 64 * 1024
    /// What is longer is read in pieces of this many bytes, so that a response holds one piece, however long it is.
    static let pieceSize: UInt64 = 128 * 1024

    let source: FileSource
    let segments: [Segment]

    // Can't overflow: the ranges don't overlap, and a file has at most 2^63 bytes.
    private var length: UInt64 { segments.reduce(0) { $0 + $1.length } }

    /// The length without the content, for HEAD.
    var announcement: ResponseBody {
        .stream(length: length) { _ in }
    }

    /// The body; a short one is read now, which may block unless it is in memory.
    ///
    /// A longer one is read on the loop's thread pool, piece by piece, while it is written; in clear text over HTTP/1.1
    /// the kernel sends it (``FileSocket``). It never has more than the
    /// announced length; when the file becomes shorter it throws, and the connection is reset. The file is closed when
    /// the body is released, whether it was sent or not.
    func body(readOn loop: EventLoop) throws -> ResponseBody {
        guard case .open(let descriptor) = source, length > Self.wholeLimit else {
            return .bytes(try whole())
        }
        return .stream(length: length) { [segments] writer in
            for segment in segments {
                switch segment {
                case .bytes(let bytes): try await writer.write(bytes)
                case .range(let range): try await Self.write(range, of: descriptor, to: writer, loop)
                }
            }
        }
    }

    private func whole() throws -> [UInt8] {
        if segments.count == 1, case .range(let range) = segments[0] { return try source.read(range) }
        return try segments.reduce(into: []) { body, segment in
            switch segment {
            case .bytes(let bytes): body += bytes
            case .range(let range): body += try source.read(range)
            }
        }
    }

    private static func write(
        _ range: Range<UInt64>, of descriptor: FileDescriptor, to writer: any ResponseWriter,
        _ loop: EventLoop
    ) async throws {
        if let writer = writer as? any FileWriter, try await writer.send(range, of: descriptor) {
            return
        }
        var offset = range.lowerBound
        while offset < range.upperBound {
            let (start, count) = (offset, min(pieceSize, range.upperBound - offset))
            let piece = try await loop.finish { try descriptor.read(Int(count), from: start) }
            try await writer.write(piece)
            offset += count
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
