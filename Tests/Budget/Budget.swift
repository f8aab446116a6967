import Dispatch
import ParleyHTTP
import ParleyRealtime
import ParleyTransport
import ParleyWire

/// Does one kind of work so many times, in memory and on one loop, so that the instructions and allocations of one of them can be
/// counted: two runs that differ by their number only differ by its cost.
///
///     Budget echo 1000
@main
enum Budget {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let work = Work(rawValue: arguments[1]), let count = Int(arguments[2])
        else {
            print("usage: Budget \(Work.allCases.map(\.rawValue).joined(separator: "|")) COUNT")
            return
        }
        let done = DispatchSemaphore(value: 0)
        // Not an asynchronous main: valgrind does not survive its run loop.
        Task.detached {
            do {
                try await run(work, count)
            } catch {
                print("\(error)")
            }
            done.signal()
        }
        done.wait()
    }

    private static func run(_ work: Work, _ count: Int) async throws {
        let server = try await MemoryServer(application())
        switch work {
        case .echo, .burst, .suspendable, .binary:
            try await Conversation(work, count: count).hold(with: server)
        case .broadcast:
            let audience = Audience(size: 100, count: count)
            for member in 0..<audience.size {
                try await Conversation(member: member, of: audience).enter(server)
            }
            await audience.speak()
        case .hello:
            try await Conversation(work, count: count).hold(with: server)
        case .connect:
            for _ in 0..<count { try await Conversation(.echo, count: 1).hold(with: server) }
        case .polling: try await PollingConversation(count: count).hold(with: server)
        case .pollingConnect:
            for _ in 0..<count { try await PollingConversation(count: 0).hold(with: server) }
        }
        await server.shutdown()
    }

    private static func application() -> Application {
        let app = Application()
        app.get("/hello") { _ in "Hello, world!" }
        let realtime = Realtime()
        realtime.root.on("echo") { (_, text: String) in text }
        realtime.root.on("wait") { (_, text: String) async in text }
        realtime.root.on("data") { (_, data: JSONValue) in data }
        realtime.root.on("all") { (socket, text: String) in socket.namespace.emit("all", text) }
        app.mount(realtime)
        return app
    }
}

enum Work: String, CaseIterable {
    /// An event with one string, acknowledged with it.
    case echo
    /// The same, 16 in one read.
    case burst
    /// The same, by an asynchronous handler that does not suspend.
    case suspendable
    /// An event with an attachment of 1 KiB, acknowledged with it.
    case binary
    /// One of a hundred deliveries of an event.
    case broadcast
    /// A GET on a connection that is kept.
    case hello
    /// A connection with its WebSocket, session and socket, and one event.
    case connect
    /// An event with one string, acknowledged with it, by a POST and a GET.
    case polling
    /// Two connections for polling, with their session and socket, from the handshake to its end.
    case pollingConnect = "polling-connect"
}
