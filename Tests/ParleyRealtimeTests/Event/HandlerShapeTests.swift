import ParleyTransport
import Testing

@testable import ParleyRealtime

/// What applications register: closures and functions by name, isolated and not.
@Suite("Handlers of all shapes")
struct HandlerShapeTests {
    private struct Move: Event {
        static let name = "move"
        var x: Int
    }

    private actor Counter {
        private var count = 0

        func add(_ number: Int) -> Int {
            count += number
            return count
        }

        func handle(_ socket: Socket, _ number: Int) async throws -> Int { add(number) }

        nonisolated func mount(on root: Namespace) {
            root.on("method", handle)
            root.on("own") { [weak self] (_, number: Int) async in await self?.add(number) ?? -1 }
        }
    }

    @Sendable private static func plain(_ socket: Socket, _ number: Int) throws -> Int { number + 1 }
    @Sendable private static func later(_ socket: Socket, _ number: Int) async throws -> Int { number + 2 }
    @Sendable private static func pair(_ socket: Socket, _ number: Int) async -> (Int, String) {
        (number, "b")
    }
    @Sendable private static func moved(_ socket: Socket, _ move: Move) async throws -> Move {
        Move(x: -move.x)
    }
    @Sendable private static func isOnLoop() async -> Bool { EventLoop.current != nil }

    private func ask(_ event: String, _ root: (Namespace) -> Void) async throws -> String {
        let realtime = Realtime()
        root(realtime.root)
        let client = try await PollingClient.join(realtime)
        try await client.send("427" + event)
        return try await client.next()
    }

    @Test("functions by their names")
    func byName() async throws {
        #expect(try await ask(#"["plain",1]"#) { $0.on("plain", Self.plain) } == "437[2]")
        #expect(try await ask(#"["later",1]"#) { $0.on("later", Self.later) } == "437[3]")
        #expect(try await ask(#"["later",1]"#) { $0.on("later", order: .concurrent, Self.later) } == "437[3]")
        #expect(try await ask(#"["pair",1]"#) { $0.on("pair", Self.pair) } == #"437[1,"b"]"#)
        #expect(try await ask(#"["move",{"x":1}]"#) { $0.on(Move.self, Self.moved) } == #"437[{"x":-1}]"#)
        #expect(
            try await ask(#"["move",{"x":2}]"#) { $0.on(Move.self, order: .concurrent, Self.moved) }
                == #"437[{"x":-2}]"#)
    }

    @Test("an actor's methods, and closures that hold it")
    func actors() async throws {
        let counter = Counter()
        #expect(try await ask(#"["method",3]"#, counter.mount) == "437[3]")
        #expect(try await ask(#"["own",4]"#, counter.mount) == "437[7]")
    }

    @Test(
        "a closure of an actor runs there; another on the loop, also behind an asynchronous function that it called"
    )
    func places() async throws {
        let main = try await ask(#"["main"]"#) {
            $0.on("main") { @MainActor (_) async -> Bool in
                MainActor.assertIsolated()
                return EventLoop.current == nil
            }
        }
        #expect(main == "437[true]")
        let loop = try await ask(#"["loop"]"#) {
            $0.on("loop") { (_) async -> [Bool] in
                let before = EventLoop.current != nil
                let within = await Self.isOnLoop()
                await Task.yield()
                return [before, within, EventLoop.current != nil]
            }
        }
        #expect(loop == "437[[true,true,true]]")
    }
}
