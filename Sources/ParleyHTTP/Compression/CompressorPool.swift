import ParleyTransport
import ParleyWire

/// What a deflater is made with.
struct DeflaterSettings: Sendable, Hashable {
    var format: CompressionFormat
    var level: Int
    var windowBits: Int
    var memoryLevel: Int
}

/// zlib's memory between two uses: compressing a message or a response takes one from here and gives it back, so that what it
/// costs is bounded by the threads that compress at a time, not by the connections there are.
///
/// Safe from any thread. What is in the pool is reset, and referred to by nobody else.
final class CompressorPool: Sendable {
    /// The one of the process.
    static let shared = CompressorPool()

    /// How many of a kind are kept while nobody uses them: 2 MiB of the largest.
    static let capacity = 8

    /// Sound as `Sendable`: within the lock only, and taken out before it is used.
    private struct Idle: @unchecked Sendable {
        var deflaters: [DeflaterSettings: [Deflater]] = [:]
        var inflaters: [Int: [Inflater]] = [:]
    }

    private let idle = Lock(Idle())

    /// A deflater at the beginning of a stream; nil when there is no memory.
    func deflater(_ settings: DeflaterSettings) -> Deflater? {
        if let pooled = idle.withLock({ Loan($0.deflaters[settings]?.popLast()) }).value { return pooled }
        return try? Deflater(
            settings.format, level: settings.level, windowBits: settings.windowBits,
            memoryLevel: settings.memoryLevel)
    }

    /// Gives a deflater back.
    func put(_ deflater: consuming Deflater, _ settings: DeflaterSettings) {
        deflater.reset()
        let loan = Loan(deflater)
        idle.withLock { idle in
            guard let deflater = loan.value, idle.deflaters[settings, default: []].count < Self.capacity
            else { return }
            idle.deflaters[settings, default: []].append(deflater)
        }
    }

    /// An inflater of raw data, at its beginning; nil when there is no memory.
    func rawInflater(windowBits: Int) -> Inflater? {
        if let pooled = idle.withLock({ Loan($0.inflaters[windowBits]?.popLast()) }).value { return pooled }
        return try? Inflater(.raw, windowBits: windowBits)
    }

    /// Gives an inflater of raw data back.
    func put(_ inflater: consuming Inflater, windowBits: Int) {
        inflater.reset()
        let loan = Loan(inflater)
        idle.withLock { idle in
            guard let inflater = loan.value, idle.inflaters[windowBits, default: []].count < Self.capacity
            else { return }
            idle.inflaters[windowBits, default: []].append(inflater)
        }
    }

    /// Something on its way into the lock or out of it. Sound as `Sendable`: it has one owner at a time.
    private struct Loan<Value>: @unchecked Sendable {
        let value: Value?
        init(_ value: Value?) { self.value = value }
    }
}
