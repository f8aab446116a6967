import CUV
import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// One thread with one libuv loop: sockets, timers and signals are served on it, and tasks that prefer it as
/// their executor run on it.
///
/// A turn of the loop is: events of sockets, then timers, then queued work and tasks, then one write for each
/// connection that has something to send. Only what is documented as safe from any thread may be called off the
/// loop's thread.
///
/// Sound as `Sendable`: everything but `remote` and `completion` (which lock) and constants is touched on the
/// loop's thread only, or before that thread exists.
public final class EventLoop: TaskExecutor, @unchecked Sendable {
    /// The loop's name, which is its thread's name too.
    public let name: String

    let remote = RemoteQueue()
    let completion = LoopCompletion()
    let handles: LoopHandles
    let logger: Logger
    private let currentKey: pthread_key_t

    // The loop's thread only, from here on.

    /// Jobs and closures that came from the loop's own thread.
    @exclusivity(unchecked) var localWork: [LoopWork] = []
    /// The batch that is being run; kept for its capacity.
    @exclusivity(unchecked) var batch: [LoopWork] = []
    /// What goes on behind the bytes that a socket's read brought, at the end of the turn at the latest.
    @exclusivity(unchecked) var followers: [any ReadFollower] = []
    @exclusivity(unchecked) var following: [any ReadFollower] = []
    /// What has something to pass on at the end of the turn: connections, and protocols that send over them.
    @exclusivity(unchecked) var dirty: [any TurnFlushed] = []
    @exclusivity(unchecked) var flushing: [any TurnFlushed] = []
    @exclusivity(unchecked) var pool = BufferPool()
    @exclusivity(unchecked) var scratch = ScratchMemory()
    @exclusivity(unchecked) var watches = SocketWatchPool()
    /// The bytes of the last small packet, for the next one.
    @exclusivity(unchecked) var spareBytes: [UInt8] = []
    @exclusivity(unchecked) var timers = TimerQueue()
    /// When libuv's timer is set to fire; nil when it is not.
    @exclusivity(unchecked) var armedDeadline: UInt64?
    @exclusivity(unchecked) var isFiringTimers = false
    /// The milliseconds at which a test has stopped the clock; `runningClock` where none has.
    let stoppedMilliseconds = Atomic<UInt64>(EventLoop.runningClock)
    /// Counts turns: what is cached for a turn compares itself with this.
    @exclusivity(unchecked) var turn: UInt64 = 0
    @exclusivity(unchecked) var isIdling = false
    /// Sockets, signals and offloaded work that must be gone before the loop can end.
    @exclusivity(unchecked) var openResources = 0
    @exclusivity(unchecked) var isStopping = false
    /// Outgoing connections that are being made.
    @exclusivity(unchecked) var connectors: [ObjectIdentifier: Connector] = [:]
    @exclusivity(unchecked) private var clockSecond: Int = 0
    @exclusivity(unchecked) private var clockTurn: UInt64 = .max

    init(name: String, logger: Logger) throws(TransportError) {
        self.name = name
        self.logger = logger
        currentKey = Self.key
        handles = try LoopHandles()
    }

    /// Holds the loop that runs on the thread, unretained.
    static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    /// The loop whose thread this is; nil on other threads.
    public static var current: EventLoop? {
        guard let pointer = pthread_getspecific(key) else { return nil }
        return Unmanaged<EventLoop>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// True on the loop's own thread.
    public var isCurrent: Bool {
        guard let pointer = pthread_getspecific(currentKey) else { return false }
        return pointer == Unmanaged.passUnretained(self).toOpaque()
    }

    func markThread() {
        pthread_setspecific(currentKey, Unmanaged.passUnretained(self).toOpaque())
    }

    func unmarkThread() {
        pthread_setspecific(currentKey, nil)
    }

    /// The monotonic time, as of this turn. Loop only.
    public var now: MonotonicInstant {
        stoppedClock ?? MonotonicInstant(milliseconds: uv_now(handles.loop))
    }

    /// The seconds of the wall clock since 1970, read at most once a turn. Loop only.
    public var wallClockSeconds: Int {
        if clockTurn != turn {
            clockTurn = turn
            clockSecond = time(nil)
        }
        return clockSecond
    }
}

// MARK: - Work

extension EventLoop {
    /// Runs a closure on the loop: later in this turn or in the next one, never inline. Closures of one thread
    /// run in the order in which it gave them. Safe from any thread.
    ///
    /// - Returns: false when the loop has stopped; the closure is then not called.
    @discardableResult
    public func execute(_ work: @escaping @Sendable () -> Void) -> Bool {
        enqueue(.closure(work))
    }

    /// Runs a task's job on the loop's thread. A stopped loop passes it on to the global executor, so that no
    /// task is lost.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if !enqueue(.job(job)) { globalConcurrentExecutor.enqueue(job) }
    }

    /// Puts something onto the list of what is flushed at the end of the turn. Safe from any thread; what wants to be
    /// flushed once a turn keeps a mark of its own.
    package func enqueueFlush(_ flushed: any TurnFlushed, onLoop: Bool) {
        if onLoop {
            dirty.append(flushed)
        } else {
            _ = remote.append(.flush(flushed)) { handles.wake() }
        }
    }

    private func enqueue(_ work: LoopWork) -> Bool {
        if isCurrent {
            localWork.append(work)
            return true
        }
        return remote.append(work) { handles.wake() }
    }
}

// MARK: - Timers

extension EventLoop {
    /// Calls a closure once, after the delay, counted from ``now`` with a precision of one millisecond; on the
    /// loop only. Timers that still run when the loop stops are dropped without a call.
    @discardableResult
    public func schedule(after delay: Duration, _ body: @escaping () -> Void) -> LoopTimer {
        let timer = LoopTimer(loop: self, body: body)
        start(timer, after: delay)
        return timer
    }

    func start(_ timer: LoopTimer, after delay: Duration) {
        assert(isCurrent, "timers belong to their loop's thread")
        guard !isStopping else { return }
        timers.schedule(timer, at: now.advanced(by: delay).milliseconds)
        armTimer()
    }

    func cancel(_ timer: LoopTimer) {
        assert(isCurrent, "timers belong to their loop's thread")
        // libuv's timer stays as it is: firing in vain once is cheaper than resetting it for each cancellation.
        timers.remove(timer)
    }

    func fireTimers() {
        armedDeadline = nil
        isFiringTimers = true
        let now = now.milliseconds
        let mark = timers.mark
        while let timer = timers.popDue(at: now, before: mark) { timer.body() }
        isFiringTimers = false
        // libuv 1.44 fires a timer that its own callback starts for now at once, for ever.
        armTimer(minimum: 1)
    }

    private func armTimer(minimum: UInt64 = 0) {
        guard !isFiringTimers, stoppedClock == nil, let next = timers.nextDeadline else { return }
        if let armedDeadline, armedDeadline <= next { return }
        let now = uv_now(handles.loop)
        armedDeadline = next
        handles.startTimer(after: max(minimum, next > now ? next - now : 0))
    }
}
