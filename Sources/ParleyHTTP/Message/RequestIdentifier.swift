import Synchronization

/// Makes the ids of requests: 32 hexadecimal digits, different in all processes and for all requests of one. Nothing secret is to
/// be made of them: whoever knows one can tell those that follow.
enum RequestIdentifier {
    private static let seeds = (first: UInt64.random(in: 0 ... .max), second: UInt64.random(in: 0 ... .max))
    private static let count = Atomic<UInt64>(0)
    private static let digits = Array("0123456789abcdef".utf8)

    static func make() -> String {
        let number = count.wrappingAdd(1, ordering: .relaxed).newValue
        let halves = (mixed(seeds.first &+ number), mixed(seeds.second ^ number))
        return String(unsafeUninitializedCapacity: 32) { buffer in
            append(halves.0, to: buffer, at: 0)
            append(halves.1, to: buffer, at: 16)
            return 32
        }
    }

    private static func append(_ half: UInt64, to buffer: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
        for position in 0..<16 {
            buffer[start + position] = digits[Int(half >> (60 - UInt64(position) * 4) & 15)]
        }
    }

    /// The finalizer of SplitMix64: it maps no two numbers to the same one.
    private static func mixed(_ number: UInt64) -> UInt64 {
        var value = number &* 0x9E37_79B9_7F4A_7C15
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
