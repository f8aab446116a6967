/// How the messages of WebSocket connections are compressed (permessage-deflate, RFC 7692).
///
/// With the defaults no connection holds memory for it between two messages: compressors are shared by all. Context takeover,
/// which compresses small similar messages much better, costs each connection the memory that the guide's table has:
/// up to 262 KiB to send and 39 KiB to receive.
public struct WebSocketCompression: Sendable, Equatable {
    /// The bytes from which on a message is compressed; smaller ones are sent as they are.
    public var threshold = 1024
    /// Whether a message that the server sends may refer back to the ones before, where the client doesn't object
    /// (`server_no_context_takeover`).
    public var serverContextTakeover = false
    /// Whether a message that the client sends may (`client_no_context_takeover`).
    public var clientContextTakeover = false
    /// How far the server's messages look back, as a power of two: 9 to 15 (`server_max_window_bits`). A client may ask
    /// for less.
    public var serverWindowBits = 15
    /// How far the client's messages may: 9 to 15 (`client_max_window_bits`). Below 15, connections of clients that
    /// can't be told are not compressed.
    public var clientWindowBits = 15
    /// The memory that compressing takes, from 1 to 9, beside the window: 2^(memoryLevel + 9) bytes.
    public var memoryLevel = 8
    /// The effort, from 1 (fast) to 9 (small).
    public var level = 6

    /// The defaults.
    public init() {}
}
