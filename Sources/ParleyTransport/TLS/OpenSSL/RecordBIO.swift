import COpenSSL

/// The end of OpenSSL at which records come in and go out: a BIO that reads from the bytes that have just arrived, and
/// writes to the stream below. Unlike a memory BIO it holds nothing, copies nothing twice, and costs an idle
/// connection a few words.
enum RecordBIO {
    /// A new BIO for a connection, which must outlive it; nil for lack of memory.
    static func make(for connection: SSLConnection) -> OpaquePointer? {
        guard let method = method.pointer, let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(connection).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    /// Sound as `Sendable`: filled in once, and only read afterwards.
    private struct Method: @unchecked Sendable {
        let pointer: OpaquePointer?
    }

    private static let method: Method = {
        let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "parley records")
        guard let method else { return Method(pointer: nil) }
        BIO_meth_set_read_ex(method, read)
        BIO_meth_set_write_ex(method, write)
        BIO_meth_set_ctrl(method) { _, command, _, _ in
            // Nothing is buffered, so that flushing always succeeds; nothing else is known.
            command == BIO_CTRL_FLUSH ? 1 : 0
        }
        return Method(pointer: method)
    }()

    private static let read:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<CChar>?, Int, UnsafeMutablePointer<Int>?
        ) -> Int32 = { bio, buffer, size, count in
            guard let bio, let buffer, let count, let data = BIO_get_data(bio) else { return 0 }
            let taken = Unmanaged<SSLConnection>.fromOpaque(data)._withUnsafeGuaranteedRef {
                $0.takeInput(into: UnsafeMutableRawBufferPointer(start: buffer, count: size))
            }
            count.pointee = taken
            BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
            if taken == 0 { BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY) }
            return taken > 0 ? 1 : 0
        }

    private static let write:
        @convention(c) (
            OpaquePointer?, UnsafePointer<CChar>?, Int, UnsafeMutablePointer<Int>?
        ) -> Int32 = { bio, buffer, size, count in
            guard let bio, let buffer, let count, let data = BIO_get_data(bio) else { return 0 }
            Unmanaged<SSLConnection>.fromOpaque(data)._withUnsafeGuaranteedRef {
                $0.passOn(UnsafeRawBufferPointer(start: buffer, count: size))
            }
            BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
            count.pointee = size
            return 1
        }
}
