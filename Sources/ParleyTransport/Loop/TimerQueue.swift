/// The timers of one event loop, ordered by deadline: a binary heap that knows each timer's place, so that
/// cancelling is O(log n), and in which putting a timer off costs nothing until its old deadline comes.
///
/// It knows no clock: the time is a parameter.
struct TimerQueue: ~Copyable {
    private struct Entry {
        /// Where the heap has the timer; the timer's own deadline may be later by now.
        var deadline: UInt64
        /// Keeps timers of one deadline in the order in which they were scheduled.
        var sequence: UInt64
        var timer: LoopTimer

        func precedes(_ other: Entry) -> Bool {
            deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence
        }
    }

    private var heap: [Entry] = []
    private var nextSequence: UInt64 = 0

    var count: Int { heap.count }

    /// When the queue wants to be looked at next; it may find nothing due then.
    var nextDeadline: UInt64? { heap.first?.deadline }

    /// Puts a timer into the queue, or moves it, for its present deadline.
    mutating func schedule(_ timer: LoopTimer, at deadline: UInt64) {
        timer.deadline = deadline
        nextSequence &+= 1
        timer.sequence = nextSequence
        let index = timer.heapIndex
        guard index >= 0 else {
            heap.append(Entry(deadline: deadline, sequence: nextSequence, timer: timer))
            timer.heapIndex = heap.count - 1
            siftUp(heap.count - 1)
            return
        }
        // Later than the heap believes: `popDue` finds out when it gets there.
        guard deadline < heap[index].deadline else { return }
        heap[index].deadline = deadline
        heap[index].sequence = nextSequence
        siftUp(index)
    }

    /// Takes a timer out; nothing happens when it is not in the queue.
    mutating func remove(_ timer: LoopTimer) {
        let index = timer.heapIndex
        guard index >= 0 else { return }
        timer.heapIndex = -1
        let last = heap.removeLast()
        guard index < heap.count else { return }
        heap[index] = last
        last.timer.heapIndex = index
        siftUp(index)
        siftDown(last.timer.heapIndex)
    }

    /// A mark that tells timers scheduled from now on from those scheduled before.
    var mark: UInt64 { nextSequence }

    /// Takes out the first timer that is due at `now` and was scheduled before the mark, so that a timer that
    /// schedules itself for now cannot keep the loop from its other work.
    mutating func popDue(at now: UInt64, before mark: UInt64) -> LoopTimer? {
        while let first = heap.first, first.deadline <= now {
            let timer = first.timer
            if timer.deadline > first.deadline {
                // Put off in the meantime.
                heap[0].deadline = timer.deadline
                heap[0].sequence = timer.sequence
                siftDown(0)
                continue
            }
            guard timer.sequence <= mark else { return nil }
            remove(timer)
            return timer
        }
        return nil
    }

    /// Forgets all timers.
    mutating func removeAll() {
        for entry in heap { entry.timer.heapIndex = -1 }
        heap = []
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].precedes(heap[parent]) else { return }
            exchange(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var first = index
            let left = 2 * index + 1
            let right = left + 1
            if left < heap.count, heap[left].precedes(heap[first]) { first = left }
            if right < heap.count, heap[right].precedes(heap[first]) { first = right }
            guard first != index else { return }
            exchange(index, first)
            index = first
        }
    }

    private mutating func exchange(_ left: Int, _ right: Int) {
        heap.swapAt(left, right)
        heap[left].timer.heapIndex = left
        heap[right].timer.heapIndex = right
    }
}
