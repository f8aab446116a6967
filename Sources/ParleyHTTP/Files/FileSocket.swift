#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A socket to which the kernel copies files itself. It is a descriptor of its own, so that the connection may be closed
/// at any time; it is closed with the last reference.
///
/// Sending may read from a disk, and belongs on the thread pool.
final class FileSocket: Sendable {
    /// As much is sent by one visit to the thread pool, if the socket takes it.
    private static let mostSent: UInt64 = 4 * 1024 * 1024
    /// What is read when the socket takes no more: it goes the usual way, whose end says that there is room again.
    private static let pieceSize: UInt64 = 32 * 1024

    private let number: Int32

    init(owning descriptor: Int32) { number = descriptor }

    deinit { close(number) }

    /// What became of a part of a file.
    struct Outcome: Sendable {
        /// The bytes that the socket has taken.
        var sent: UInt64 = 0
        /// Those behind them, when it takes no more for now.
        var piece: [UInt8] = []
    }

    /// Sends from the beginning of a part of a file, which is not empty. Throws ``FileError/shrunk`` when the file ends
    /// before the part does, and ``ResponseWriterError/connectionClosed``.
    func send(_ range: Range<UInt64>, of file: FileDescriptor) throws -> Outcome {
        let most = min(range.upperBound - range.lowerBound, Self.mostSent)
        var outcome = Outcome()
        while outcome.sent < most {
            let start = range.lowerBound + outcome.sent
            let (count, code) = copy(Int(most - outcome.sent), from: start, of: file)
            outcome.sent += UInt64(count)
            switch code {
            case 0:
                if count == 0 { throw FileError.shrunk }
            case EINTR: continue
            // The last ones are of file systems that can't.
            case EAGAIN, EBUSY, EINVAL, ENOSYS, EOPNOTSUPP, ENOTSUP:
                let next = range.lowerBound + outcome.sent
                outcome.piece = try file.read(Int(min(Self.pieceSize, range.upperBound - next)), from: next)
                return outcome
            case EPIPE, ECONNRESET, ENOTCONN, ETIMEDOUT: throw ResponseWriterError.connectionClosed
            default: throw FileError.system(code, "sendfile")
            }
        }
        return outcome
    }

    /// One call of the system: the bytes that were sent, and the error code or 0.
    private func copy(_ count: Int, from start: UInt64, of file: FileDescriptor) -> (count: Int, code: Int32)
    {
        #if canImport(Darwin)
            var length = off_t(count)
            let status = sendfile(file.number, number, off_t(start), &length, nil, 0)
            return (Int(length), status == 0 ? 0 : errno)
        #else
            var offset = off_t(start)
            let sent = sendfile(number, file.number, &offset, count)
            return sent >= 0 ? (sent, 0) : (0, errno)
        #endif
    }
}

/// A writer that may send parts of files past the connection; also one that watches such a writer.
protocol FileWriter: ResponseWriter {
    /// Sends a part of an open file without its bytes passing through here. False, and nothing is sent, where that isn't possible.
    func send(_ range: Range<UInt64>, of file: FileDescriptor) async throws -> Bool
}

extension StreamedResponseWriter: FileWriter {
    /// Sends a part of an open file without its bytes passing through here. False, and nothing is sent, where the
    /// connection can't: over TLS and HTTP/2.
    func send(_ range: Range<UInt64>, of file: FileDescriptor) async throws -> Bool {
        let length = range.upperBound - range.lowerBound
        guard let socket = try await perform({ try $0.beginFile(length, exchange: $1) }) else { return false }
        var offset = range.lowerBound
        var piece: [UInt8] = []
        while offset < range.upperBound || !piece.isEmpty {
            try await settle(piece)
            piece = []
            guard offset < range.upperBound else { break }
            let left = offset..<range.upperBound
            let outcome = try await sink.server.loop.finish { try socket.send(left, of: file) }
            piece = outcome.piece
            offset += outcome.sent + UInt64(piece.count)
        }
        return true
    }

    /// Sends what the socket didn't take, and waits until the kernel has everything.
    private func settle(_ piece: [UInt8]) async throws {
        try await withUnsafeThrowingContinuation { waiter in
            let isQueued = sink.server.loop.execute { [sink, exchange] in
                sink.settle(piece, exchange: exchange, waiter)
            }
            if !isQueued { waiter.resume(throwing: ResponseWriterError.connectionClosed) }
        }
    }
}
