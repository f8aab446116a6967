/// What keeps a socket's handlers in order: while one runs, what comes next waits here.
struct Mailbox {
    enum Item: Sendable {
        /// An event's JSON array, its attachments and its acknowledgement id.
        case event([UInt8], attachments: [[UInt8]]?, id: UInt64?)
        /// Handlers of the socket's own life: connection, disconnecting, disconnect.
        case work(@Sendable () -> AsyncWorks)

        var cost: Int {
            switch self {
            case .event(let bytes, let attachments, _):
                (attachments ?? []).reduce(bytes.count + 64) { $0 + $1.count + 64 }
            case .work: 0
            }
        }
    }

    /// Above these, the client is not read from until half of it is handled.
    static let maximumEvents = 1000
    static let maximumBytes = 1 << 20

    private var isBusy: Bool
    private var items: [Item] = []
    private var head = 0
    private var bytes = 0
    private var isFull = false
    private var isClosed = false

    init(isBusy: Bool) { self.isBusy = isBusy }

    /// Whether the caller may run a handler now; it must call `next` until that returns nil.
    mutating func enter() -> Bool {
        guard !isBusy else { return false }
        isBusy = true
        return true
    }

    /// What is to be done with an event.
    enum Admission { case run, queue, refuse }

    /// Like `enter`, for an event: refused when the mailbox is closed.
    mutating func admitEvent() -> Admission {
        guard !isClosed else { return .refuse }
        return enter() ? .run : .queue
    }

    /// No event comes in any more. What waits is still handled.
    mutating func close() { isClosed = true }

    /// Queues an item behind the handler that runs. Returns true when the queue just became full.
    mutating func append(_ item: Item) -> Bool {
        if isClosed, case .event = item { return false }
        items.append(item)
        bytes += item.cost
        guard !isFull, items.count - head >= Self.maximumEvents || bytes >= Self.maximumBytes else {
            return false
        }
        isFull = true
        return true
    }

    /// The next item for whoever runs the handlers; nil leaves the mailbox idle. Also tells when the queue,
    /// having been full, is half empty again.
    mutating func next() -> (item: Item?, hasRoom: Bool) {
        guard head < items.count else {
            items = []
            head = 0
            isBusy = false
            return (nil, becameRoomy())
        }
        let item = items[head]
        items[head] = .work { AsyncWorks() }
        head += 1
        bytes -= item.cost
        closeGap()
        return (item, becameRoomy())
    }

    /// The places that are held, those of what was taken included.
    var places: Int { items.count }

    /// Lets go of the places of what was taken: a mailbox that is never empty must not grow.
    private mutating func closeGap() {
        if head == items.count {
            items.removeAll(keepingCapacity: true)
        } else if head > 64, head > items.count / 2 {
            items.removeFirst(head)
        } else {
            return
        }
        head = 0
    }

    private mutating func becameRoomy() -> Bool {
        guard isFull, items.count - head <= Self.maximumEvents / 2, bytes <= Self.maximumBytes / 2 else {
            return false
        }
        isFull = false
        return true
    }
}
