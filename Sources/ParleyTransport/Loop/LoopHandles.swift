import CUV

/// The libuv loop of an event loop and the handles that every loop has: wake-up, end of turn, timer, idle.
///
/// Sound as `Sendable`: `wake` is thread-safe in libuv, and is only called while the loop is known to be alive;
/// everything else belongs to the loop's thread.
final class LoopHandles: @unchecked Sendable {
    let loop = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
    /// The one buffer into which every socket of the loop is read.
    let readBuffer = UnsafeMutablePointer<UInt8>.allocate(capacity: readBufferSize)
    static let readBufferSize = 256 * 1024

    private let wakeUp = UnsafeMutablePointer<uv_async_t>.allocate(capacity: 1)
    private let endOfTurn = UnsafeMutablePointer<uv_prepare_t>.allocate(capacity: 1)
    private let timer = UnsafeMutablePointer<uv_timer_t>.allocate(capacity: 1)
    private let idle = UnsafeMutablePointer<uv_idle_t>.allocate(capacity: 1)

    init() throws(TransportError) {
        readBuffer.initialize(repeating: 0, count: Self.readBufferSize)
        try check(uv_loop_init(loop), "create an event loop")
        let status = uv_async_init(loop, wakeUp) { _ in }
        guard status == 0 else {
            uv_loop_close(loop)
            throw .system(operation: "create an event loop's wake-up", code: -status)
        }
        // These three cannot fail: they only fill in memory.
        uv_prepare_init(loop, endOfTurn)
        uv_timer_init(loop, timer)
        uv_idle_init(loop, idle)
    }

    deinit {
        readBuffer.deallocate()
        wakeUp.deallocate()
        endOfTurn.deallocate()
        timer.deallocate()
        idle.deallocate()
        loop.deallocate()
    }

    /// Lets the callbacks find the event loop, which must outlive ``close()`` and the loop's last run.
    func attach(to eventLoop: EventLoop) {
        uv_loop_set_data(loop, Unmanaged.passUnretained(eventLoop).toOpaque())
        uv_prepare_start(endOfTurn) { handle in
            handle.flatMap { EventLoop.owning($0.pointee.loop) }?.endTurn()
        }
    }

    /// Makes the loop take a turn. Safe from any thread while the loop lives.
    func wake() {
        uv_async_send(wakeUp)
    }

    func startTimer(after milliseconds: UInt64) {
        uv_timer_start(
            timer, { handle in handle.flatMap { EventLoop.owning($0.pointee.loop) }?.fireTimers() },
            milliseconds,
            0)
    }

    /// An idling loop polls without waiting.
    func setIdling(_ isIdling: Bool) {
        if isIdling {
            uv_idle_start(idle) { _ in }
        } else {
            uv_idle_stop(idle)
        }
    }

    /// Starts to close the handles; `uv_run` returns when that is done.
    func close() {
        for handle in [
            UnsafeMutableRawPointer(wakeUp), UnsafeMutableRawPointer(endOfTurn),
            UnsafeMutableRawPointer(timer),
            UnsafeMutableRawPointer(idle),
        ] {
            uv_close(handle.assumingMemoryBound(to: uv_handle_t.self), nil)
        }
    }
}

extension EventLoop {
    /// The event loop that a libuv loop belongs to.
    static func owning(_ loop: UnsafeMutablePointer<uv_loop_t>?) -> EventLoop? {
        guard let data = uv_loop_get_data(loop) else { return nil }
        return Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue()
    }
}
