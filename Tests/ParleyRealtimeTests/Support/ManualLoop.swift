import ParleyTransport

@testable import ParleyRealtime

/// An event loop whose clock stands still until the test puts it forward.
final class ManualLoop: Sendable {
    let loop: EventLoop
    private let group: EventLoopGroup

    init() async throws {
        group = try EventLoopGroup(count: 1)
        loop = group.loops[0]
        let loop = loop
        try await loop.run { loop.stopClock() }
    }

    /// Fires what is due meanwhile, each timer at its time.
    func advance(by duration: Duration) async throws {
        let loop = loop
        let end = try await loop.run { loop.now.advanced(by: duration) }
        while true {
            try await settle()
            let isOver = try await loop.run {
                guard let next = loop.nextDeadline, next < end else {
                    loop.setClock(end)
                    return true
                }
                loop.setClock(max(next, loop.now))
                return false
            }
            if isOver { return try await settle() }
        }
    }

    /// Lets what is queued on the loop happen.
    func settle() async throws {
        for _ in 0..<5 { try await loop.run {} }
    }

    func end() async { await group.shutdown() }
}

/// Collects what happens, in its order, without waiting.
final class SynchronousJournal: Sendable {
    private let list = Lock<[String]>([])
    var entries: [String] { list.withLock { $0 } }
    func add(_ entry: String) { list.withLock { $0.append(entry) } }

    /// Waits until so many entries are there, for at most five seconds.
    func wait(for count: Int) async throws -> [String] {
        for _ in 0..<1000 where entries.count < count { try await Task.sleep(for: .milliseconds(5)) }
        return entries
    }
}
