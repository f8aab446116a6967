import Dispatch
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A blocking client over a loopback socket, for saying exactly what is to be said. Its calls run on threads of their
/// own, so that they don't take those that the tests run on.
final class RawClient: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let descriptor: Int32
    // Serial queues get threads of their own at once; those of a concurrent queue are few, and come slowly.
    private let readQueue = DispatchQueue(label: "client reads")
    private let writeQueue = DispatchQueue(label: "client writes")

    /// Connects to a port of 127.0.0.1. A small receive buffer makes the server's outbox fill early.
    init(port: Int, receiveBuffer: Int32? = nil) throws {
        #if canImport(Glibc)
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        if var receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var timeout = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Failure(description: "connect: \(errno)") }
    }

    deinit { close(descriptor) }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        try await blocking(on: writeQueue) { [descriptor] in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                guard count > 0 else { throw Failure(description: "write: \(errno)") }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// Sends FIN.
    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Some bytes; none at the end of the stream. Throws when the connection was reset, or nothing came for 5 seconds.
    func read() async throws -> [UInt8] {
        try await blocking(on: readQueue) { [descriptor] in
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            let count = buffer.withUnsafeMutableBytes { Self.systemRead(descriptor, $0) }
            guard count >= 0 else { throw Failure(description: errno == EAGAIN ? "nothing came" : "reset") }
            return Array(buffer.prefix(count))
        }
    }

    /// Everything up to the end of the stream.
    func readToEnd() async throws -> String {
        var bytes: [UInt8] = []
        while true {
            let more = try await read()
            if more.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += more
        }
    }

    /// Everything up to and with the text, and what came with it.
    func read(until text: String) async throws -> String {
        // `String.contains` takes the square of the length for a text that repeats itself.
        var bytes = Data()
        let text = Data(text.utf8)
        while true {
            if bytes.range(of: text) != nil { return String(decoding: bytes, as: UTF8.self) }
            let more = try await read()
            if more.isEmpty {
                throw Failure(
                    description: "the stream ended after: \(String(decoding: bytes, as: UTF8.self))")
            }
            bytes += more
        }
    }

    /// At least so many bytes.
    func read(atLeast count: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = try await read()
            if more.isEmpty { throw Failure(description: "the stream ended after \(bytes.count) bytes") }
            bytes += more
        }
        return bytes
    }

    /// Exactly so many bytes.
    func read(exactly count: Int) async throws -> [UInt8] {
        try await blocking(on: readQueue) { [descriptor] in
            var bytes = [UInt8](repeating: 0, count: count)
            var offset = 0
            while offset < count {
                let read = bytes.withUnsafeMutableBytes {
                    Self.systemRead(descriptor, UnsafeMutableRawBufferPointer(rebasing: $0[offset...]))
                }
                guard read > 0 else { throw Failure(description: "the stream ended after \(offset) bytes") }
                offset += read
            }
            return bytes
        }
    }

    private static func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        #else
            Darwin.read(descriptor, buffer.baseAddress, buffer.count)
        #endif
    }

    private func blocking<Value: Sendable>(
        on queue: DispatchQueue, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }
}
