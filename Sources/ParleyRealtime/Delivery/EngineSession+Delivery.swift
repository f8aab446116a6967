import ParleyHTTP
import Synchronization

extension EngineSession {
    /// What became of an event that was sent under a rule.
    func send(_ packet: EncodedPacket, under rule: SlowClientRule, counters: DeliveryCounters) -> EmitResult {
        let packet = revision == .three ? packet.forEngineIO3 : packet
        let action = state.withLock {
            $0.send(
                packet.frame, attachments: packet.attachments, under: rule, limit: options.maxPendingBytes,
                counters: counters)
        }
        perform(action)
        switch action {
        case .none, .scheduleFlush: return .sent
        case .queued: return .queued
        case .dropped: return .dropped
        case .overflow, .refused: return .disconnected
        }
    }

    /// The WebSocket takes more. Loop of the connection only.
    func becameWritable(_ connection: WebSocketConnection) {
        state.withLock { $0.becameWritable(connection) }
    }

    /// Suspends while the client is behind. False when the session is over, or the task was cancelled.
    func drained() async -> Bool {
        let id = DrainNumbers.next.add(1, ordering: .relaxed).newValue
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isWaiting = state.withLock { state in
                    !Task.isCancelled && state.waitForDrain(id, continuation)
                }
                if !isWaiting { continuation.resume(returning: isOpen && !Task.isCancelled) }
            }
        } onCancel: {
            state.withLock { $0.cancelDrain(id) }
        }
    }
}

/// Numbers those who wait, process-wide.
private enum DrainNumbers {
    static let next = Atomic<UInt64>(0)
}

extension EngineSession {
    /// The bytes that the client has yet to take, as far as the server holds them.
    var pendingBytes: Int {
        state.withLock { state in
            guard case .webSocket(let connection) = state.transport else { return state.queue.bytes }
            return state.queue.bytes + connection.pendingBytes
        }
    }
}
