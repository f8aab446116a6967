import CUV

extension EventLoop {
    /// Jobs and closures of one turn, so that work that makes work cannot keep the sockets waiting.
    private static var workPerTurn: Int { 4096 }

    /// Ends a turn, before the loop waits for events: runs what was queued, then writes once for each
    /// connection that has something to send.
    func endTurn() {
        turn &+= 1
        followRead()
        runQueuedWork()
        followRead()
        flushDirty()
        if isStopping { finishIfQuiet() }
        let hasMore = !localWork.isEmpty || !dirty.isEmpty || !followers.isEmpty
        if hasMore != isIdling {
            isIdling = hasMore
            handles.setIdling(hasMore)
        }
    }

    /// Behind a read, and at the end of a turn.
    func followRead() {
        guard !followers.isEmpty else { return }
        swap(&followers, &following)
        for follower in following { follower.follow() }
        following.removeAll(keepingCapacity: true)
    }

    /// Calls the follower once, when everything that the present read brought was received, or at the end of the turn where
    /// nothing is read. Loop only.
    package func afterRead(_ follower: any ReadFollower) {
        followers.append(follower)
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
            case .flush(let flushed): dirty.append(flushed)
            }
        }
        batch.removeAll(keepingCapacity: true)
    }

    /// Several times, as one flush fills what is below it: a tunnel the HTTP/2 session, that the TLS stream, that the TCP
    /// connection.
    /// What a handler sends when it hears that it can send again waits for the next turn.
    private func flushDirty() {
        var layers = 4
        while !dirty.isEmpty, layers > 0 {
            layers -= 1
            swap(&dirty, &flushing)
            for flushed in flushing { flushed.flush() }
            flushing.removeAll(keepingCapacity: true)
        }
    }
}

/// What puts off work until all that came with it is known.
package protocol ReadFollower: AnyObject, Sendable {
    /// Called on the loop, behind ``EventLoop/afterRead(_:)``.
    func follow()
}

/// What collects output during a turn of an ``EventLoop`` and passes it on at the turn's end, once for all of it.
package protocol TurnFlushed: AnyObject, Sendable {
    /// Called on the loop, after ``EventLoop/enqueueFlush(_:onLoop:)``.
    func flush()
}
