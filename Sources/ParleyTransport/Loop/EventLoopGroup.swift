import CUV
public import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The event loops of a process: usually one a core.
///
/// Call ``shutdown()`` when done; a group that is dropped without it (its listeners closed, as they hold it) stops
/// its loops too, but nobody can wait for that.
public final class EventLoopGroup: Sendable {
    /// The loops, whose number does not change.
    public let loops: [EventLoop]
    private let position = Atomic<Int>(0)

    /// Starts the loops.
    ///
    /// - Parameters:
    ///   - count: the number of loops; one a core when nil, and at least one.
    ///   - name: the prefix of the threads' names; Linux shows 15 bytes of them.
    ///   - logger: for what the loops have to say, such as exhausted file descriptors.
    /// - Throws: ``TransportError`` when a loop or its thread cannot be created; none is left running.
    public init(
        count: Int? = nil, name: String = "parley", logger: Logger = Logger(label: "parley.transport")
    ) throws(TransportError) {
        // A write to a closed connection is an error code here, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        var loops: [EventLoop] = []
        do throws(TransportError) {
            for index in 0..<max(1, count ?? Self.processorCount) {
                let loop = try EventLoop(name: "\(name)-\(index)", logger: logger)
                try loop.startThread()
                loops.append(loop)
            }
        } catch {
            Self.stop(loops)
            throw error
        }
        self.loops = loops
    }

    deinit {
        Self.stop(loops)
    }

    /// The processors that this process may run on.
    public static var processorCount: Int {
        Int(uv_available_parallelism())
    }

    /// The next loop, in turn. Safe from any thread.
    public func next() -> EventLoop {
        let index = position.wrappingAdd(1, ordering: .relaxed).oldValue
        return loops[Int(UInt(bitPattern: index) % UInt(loops.count))]
    }

    /// Closes everything that is open on the loops, and returns when their threads are gone. Calling it again is
    /// harmless, also while another call waits. To end gracefully, close listeners and connections first.
    public func shutdown() async {
        for loop in loops { loop.requestStop() }
        for loop in loops { await loop.completion.wait() }
    }

    private static func stop(_ loops: [EventLoop]) {
        for loop in loops {
            loop.requestStop()
            loop.completion.detach()
        }
    }
}
