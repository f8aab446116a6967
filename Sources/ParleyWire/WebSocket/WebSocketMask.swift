/// Masking of payloads (RFC 6455 5.3), which is its own inverse.
public enum WebSocketMask {
    /// Masks or unmasks bytes in place.
    /// - Parameters:
    ///   - range: the bytes to change; they must lie within the span.
    ///   - key: the four bytes of the masking key, the first one in the least significant byte.
    ///   - phase: how many bytes of the same payload were masked before.
    public static func apply(
        _ key: UInt32, phase: Int = 0, to bytes: inout MutableSpan<UInt8>, range: Range<Int>
    ) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        bytes.withUnsafeMutableBytes { buffer in
            apply(key, phase: phase, to: UnsafeMutableRawBufferPointer(rebasing: buffer[range]))
        }
    }

    /// Masks or unmasks the array's bytes from `start` on in place.
    public static func apply(_ key: UInt32, to bytes: inout [UInt8], from start: Int) {
        precondition(start >= 0 && start <= bytes.count)
        bytes.withUnsafeMutableBytes { buffer in
            apply(key, phase: 0, to: UnsafeMutableRawBufferPointer(rebasing: buffer[start...]))
        }
    }

    /// The key for a payload of which the first `phase` bytes are behind us.
    @inline(__always)
    private static func rotated(_ key: UInt32, by phase: Int) -> UInt32 {
        let shift = UInt32(truncatingIfNeeded: phase & 3) &* 8
        return shift == 0 ? key : (key &>> shift) | (key &<< (32 &- shift))
    }

    /// 32 bytes at a time, then 8, then one. Loads and stores are unaligned: the head of a frame leaves its payload at
    /// any address.
    private static func apply(_ key: UInt32, phase: Int, to buffer: UnsafeMutableRawBufferPointer) {
        guard let base = buffer.baseAddress else { return }
        // The mask as it lies in memory, whatever the byte order of the machine.
        let rotated = rotated(key, by: phase).littleEndian
        let mask = UInt64(rotated) | UInt64(rotated) &<< 32
        let wide = SIMD4<UInt64>(repeating: mask)
        let count = buffer.count
        var index = 0
        // Every load and store is within index ..< index + size <= count.
        while index &+ 32 <= count {
            let word = (base + index).loadUnaligned(as: SIMD4<UInt64>.self)
            (base + index).storeBytes(of: word ^ wide, as: SIMD4<UInt64>.self)
            index &+= 32
        }
        while index &+ 8 <= count {
            let word = (base + index).loadUnaligned(as: UInt64.self)
            (base + index).storeBytes(of: word ^ mask, as: UInt64.self)
            index &+= 8
        }
        // 32 and 8 are multiples of the key's length, so the phase of the rest is that of its index.
        var rest = UInt64(littleEndian: mask)
        while index < count {
            buffer[index] ^= UInt8(truncatingIfNeeded: rest)
            rest &>>= 8
            index &+= 1
        }
    }
}
