import HTTP2Peer
import HTTPTypes
import Testing

@testable import ParleyWire

/// A session with a handler that keeps what it hears, and a client that talks to it.
final class HTTP2Conversation: HTTP2SessionHandler {
    let session: HTTP2Session
    let peer: HTTP2Peer
    var heads: [(stream: Int32, head: HTTPRequestHead, isEnded: Bool)] = []
    var refusals: [HTTP2Refusal] = []
    var content: [Int32: [UInt8]] = [:]
    var ended: [Int32] = []
    var trailers: [Int32: HTTPHeaderBlock] = [:]
    var closed: [Int32: HTTP2ErrorCode] = [:]
    var pongs = 0
    var failed: [Int32] = []
    /// What is sent on a stream, and whether it is all.
    var output: [Int32: (bytes: [UInt8], isLast: Bool, trailers: HTTPFields)] = [:]
    /// Consumes content as it comes.
    var consumes = true
    var now: UInt64 = 1_000_000

    init(
        peer: HTTP2Peer = HTTP2Peer(), limits: HTTPLimits = HTTPLimits(),
        http2Limits: HTTP2Limits = HTTP2Limits()
    ) throws {
        self.peer = peer
        session = try HTTP2Session(limits: limits, http2Limits: http2Limits)
        session.handler = self
    }

    /// Passes bytes both ways until nobody has more. In pieces of so many bytes towards the server.
    func run(piece: Int = .max) throws {
        while true {
            let sent = peer.output()
            try receive(sent, piece: piece)
            var reply: [UInt8] = []
            try session.send(into: &reply, limit: .max, now: now)
            #expect(peer.receive(reply))
            if sent.isEmpty, reply.isEmpty { return }
        }
    }

    func receive(_ bytes: [UInt8], piece: Int = .max) throws {
        var offset = 0
        while offset < bytes.count {
            let end = piece < bytes.count - offset ? offset + piece : bytes.count
            var part = Array(bytes[offset..<end])
            var used = 0
            while used < part.count {
                var span = part.mutableSpan
                used = try session.receive(&span, from: used, now: now)
            }
            offset = end
        }
    }

    func respond(_ text: String, on stream: Int32, trailers: HTTPFields = [:]) throws {
        var fields = HTTP2FieldSection()
        fields.append(status: 200)
        try fields.append([.contentType: "text/plain"])
        output[stream] = (Array(text.utf8), true, trailers)
        #expect(session.respond(fields, on: stream, hasContent: true))
    }

    func received(request head: consuming HTTPRequestHead, on stream: Int32, isEnded: Bool) {
        heads.append((stream, head, isEnded))
    }
    func received(refused refusal: HTTP2Refusal, on stream: Int32, isEnded: Bool) {
        refusals.append(refusal)
        session.reset(stream, .cancel)
    }
    func received(content bytes: inout MutableSpan<UInt8>, on stream: Int32) {
        content[stream, default: []].append(bytes: bytes.span)
        if consumes { session.consume(bytes.count, of: stream) }
        // It may be written to.
        for index in bytes.indices { bytes[index] = 0xFF }
    }
    func receivedEnd(trailers: HTTPHeaderBlock?, on stream: Int32) {
        ended.append(stream)
        self.trailers[stream] = trailers
    }
    func receivedPong() { pongs += 1 }
    func failed(stream: Int32) { failed.append(stream) }
    func closed(stream: Int32, code: HTTP2ErrorCode) { closed[stream] = code }

    func content(of stream: Int32, into buffer: UnsafeMutableBufferPointer<UInt8>) -> HTTP2Content {
        guard var pending = output[stream] else { return .none }
        let count = min(buffer.count, pending.bytes.count)
        for index in 0..<count { buffer[index] = pending.bytes[index] }
        pending.bytes.removeFirst(count)
        output[stream] = pending
        guard pending.bytes.isEmpty else { return .bytes(count) }
        guard pending.isLast else { return count > 0 ? .bytes(count) : .none }
        guard !pending.trailers.isEmpty else { return .last(count) }
        var section = HTTP2FieldSection()
        try? section.append(pending.trailers)
        session.sendTrailers(section, on: stream)
        return .lastBeforeTrailers(count)
    }
}
