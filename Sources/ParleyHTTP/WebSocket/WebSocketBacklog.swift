/// The messages of a ``WebSocket`` that nobody has taken yet, in order.
struct WebSocketBacklog {
    private var messages: [WebSocketMessage] = []
    /// The messages before this index were taken; nothing of them is left but their empty places.
    private var next = 0
    private var payloadBytes = 0

    /// What the messages hold, in bytes. Each counts for more than its payload, or empty ones would cost nothing.
    var cost: Int { payloadBytes + 32 * (messages.count - next) }

    /// The places that are in use, those of messages that were taken among them.
    var places: Int { messages.count }

    mutating func append(_ message: WebSocketMessage) {
        messages.append(message)
        payloadBytes += message.byteCount
    }

    mutating func popFirst() -> WebSocketMessage? {
        guard next < messages.count else { return nil }
        var message = WebSocketMessage.binary([])
        swap(&message, &messages[next])
        next += 1
        payloadBytes -= message.byteCount
        compact()
        return message
    }

    /// Gives up the places in front, when they are more than those behind: so each message is moved about once, and a
    /// backlog that is never empty doesn't grow.
    private mutating func compact() {
        if next == messages.count {
            messages.removeAll(keepingCapacity: messages.capacity <= 64)
            next = 0
        } else if next >= 16, next > messages.count / 2 {
            messages.removeFirst(next)
            next = 0
        }
    }
}
