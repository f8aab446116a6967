import CUV

extension EventLoop {
    /// Jobs and closures of one turn, so that work that makes work cannot keep the sockets waiting.
    private static var workPerTurn: Int { 4096 }

    /// Ends a turn, before the loop waits for events: runs what was queued, then writes once for each
    /// connection that has something to send.
    func endTurn() {
        turn &+= 1
        runQueuedWork()
        flushDirty()
        if isStopping { finishIfQuiet() }
        let hasMore = !localWork.isEmpty || !dirty.isEmpty
        if hasMore != isIdling {
            isIdling = hasMore
            handles.setIdling(hasMore)
        }
    }

    private func runQueuedWork() {
        var budget = Self.workPerTurn
        remote.take(into: &batch)
        while budget > 0 {
            budget -= batch.count
            runBatch()
            guard !localWork.isEmpty else { return }
            swap(&batch, &localWork)
        }
        // What did not fit is first in the next turn.
        localWork.insert(contentsOf: batch, at: 0)
        batch.removeAll(keepingCapacity: true)
    }

    private func runBatch() {
        let executor = asUnownedTaskExecutor()
        for work in batch {
            switch work {
            case .job(let job): job.runSynchronously(on: executor)
            case .closure(let body): body()
            case .flush(let connection): dirty.append(connection)
            }
        }
        batch.removeAll(keepingCapacity: true)
    }

    private func flushDirty() {
        guard !dirty.isEmpty else { return }
        swap(&dirty, &flushing)
        for connection in flushing { connection.flush() }
        flushing.removeAll(keepingCapacity: true)
    }
}
