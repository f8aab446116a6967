import ParleyTransport

/// Sends comments on an event stream that is silent, so that proxies don't take it for dead. It is one timer of the loop, and a
/// task for as long as a comment is written.
///
/// Sound as `Sendable`: the timer is touched on the loop's thread only.
final class EventHeartbeat: @unchecked Sendable {
    private let loop: EventLoop
    private let stream: EventStream
    private let interval: Duration
    @exclusivity(unchecked) private var timer: LoopTimer?
    @exclusivity(unchecked) private var isStopped = false

    init(_ stream: EventStream, every interval: Duration, on loop: EventLoop) {
        self.stream = stream
        self.interval = interval
        self.loop = loop
    }

    func start() {
        loop.execute { [self] in
            guard !isStopped else { return }
            timer = loop.schedule(after: interval) { [weak self] in self?.beat() }
        }
    }

    func stop() {
        loop.execute { [self] in
            isStopped = true
            timer?.cancel()
            timer = nil
        }
    }

    private func beat() {
        Task(executorPreference: loop) { [self] in
            let pause = await stream.heartbeat(interval)
            loop.execute { [self] in timer?.reschedule(after: pause) }
        }
    }
}
