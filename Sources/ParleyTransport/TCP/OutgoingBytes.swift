import CUV

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Bytes on their way into the kernel.
package struct OutgoingBytes {
    package private(set) var bytes: [UInt8] = []
    /// True when others refer to the bytes too.
    var isShared = false
    /// More bytes behind these, which others refer to too.
    var tail: [UInt8] = []
    /// How many of all of them the kernel has taken.
    var offset = 0

    var remaining: Int { bytes.count + tail.count - offset }

    /// Gives a socket what it takes at once of what is left; returns how many bytes that are, or -1 with `errno`.
    func send(to descriptor: Int32) -> Int {
        if tail.isEmpty { return Self.send(bytes, from: offset, to: descriptor) }
        if offset >= bytes.count { return Self.send(tail, from: offset - bytes.count, to: descriptor) }
        return bytes.withUnsafeBytes { bytes in
            tail.withUnsafeBytes { tail in
                var parts = (Self.part(bytes[offset...]), Self.part(tail[...]))
                return withUnsafePointer(to: &parts) { parts in
                    parts.withMemoryRebound(to: iovec.self, capacity: 2) { writev(descriptor, $0, 2) }
                }
            }
        }
    }

    private static func send(_ bytes: [UInt8], from offset: Int, to descriptor: Int32) -> Int {
        bytes.withUnsafeBytes { all in
            guard let start = all.baseAddress else { return 0 }
            return parley_send(descriptor, start + offset, all.count - offset)
        }
    }

    private static func part(_ bytes: Slice<UnsafeRawBufferPointer>) -> iovec {
        let part = UnsafeRawBufferPointer(rebasing: bytes)
        return iovec(iov_base: UnsafeMutableRawPointer(mutating: part.baseAddress), iov_len: part.count)
    }
}
