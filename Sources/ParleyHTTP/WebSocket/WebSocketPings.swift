/// The pings of a ``WebSocket`` whose pongs somebody waits for: numbered, as a pong may answer several at once
/// (RFC 6455 5.5.3).
struct WebSocketPings {
    typealias Waiter = UnsafeContinuation<Void, any Error>

    private var waiters: [(number: UInt64, continuation: Waiter)] = []
    private var last: UInt64 = 0

    /// The number of a new ping.
    mutating func begin() -> UInt64 {
        last += 1
        return last
    }

    mutating func wait(_ continuation: Waiter, number: UInt64) { waiters.append((number, continuation)) }

    /// Those whose ping this pong answers: its own, and those before.
    mutating func answered(by number: UInt64) -> [Waiter] {
        let answered = waiters.filter { $0.number <= number }
        waiters.removeAll { $0.number <= number }
        return answered.map(\.continuation)
    }

    mutating func take(_ number: UInt64) -> Waiter? {
        waiters.firstIndex { $0.number == number }.map { waiters.remove(at: $0).continuation }
    }

    mutating func takeAll() -> [Waiter] {
        defer { waiters = [] }
        return waiters.map(\.continuation)
    }

    static func payload(_ number: UInt64) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    /// The number of a pong; nil when it answers no ping of these.
    static func number(of payload: Span<UInt8>) -> UInt64? {
        guard payload.count == 8 else { return nil }
        var number: UInt64 = 0
        for index in payload.indices { number = number << 8 | UInt64(payload[index]) }
        return number
    }
}
