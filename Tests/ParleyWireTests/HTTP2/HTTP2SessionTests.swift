import HTTP2Peer
import HTTPTypes
import Testing

@testable import ParleyWire

/// A session with a handler that keeps what it hears, and a client that talks to it.
private final class Conversation: HTTP2SessionHandler {
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

@Suite("HTTP/2 sessions (RFC 9113), with nghttp2's client")
struct HTTP2SessionTests {
    @Test("requests and responses, however the input is cut", arguments: [1, 7, .max])
    func exchanges(piece: Int) throws {
        let talk = try Conversation()
        let get = talk.peer.request(
            "GET", "/a?b=c", fields: [("accept", "x"), ("cookie", "a=1"), ("cookie", "b=2")])
        let upload = Array("content".utf8)
        let post = talk.peer.request("POST", "/p", fields: [("content-length", "7")], content: upload)
        try talk.run(piece: piece)
        #expect(talk.heads.map(\.stream) == [get, post])
        let head = try #require(talk.heads.first).head
        #expect(head.method == .get && head.target == "/a?b=c" && head.authority == "localhost")
        #expect(head.version == .http2 && head.scheme == "http")
        // Crumbs are one field again (RFC 9113 8.2.3).
        #expect(head.headers.map(\.name) == ["accept", "cookie"])
        #expect(head.headers.map(\.value) == ["x", "a=1; b=2"])
        #expect(talk.heads[0].isEnded && !talk.heads[1].isEnded)
        #expect(talk.heads[1].head.contentLength == 7)
        #expect(talk.content == [post: Array("content".utf8)] && talk.ended == [post])
        try talk.respond("one", on: get)
        try talk.respond("two", on: post)
        try talk.run(piece: piece)
        #expect(talk.peer.streams[get]?.text == "one" && talk.peer.streams[post]?.text == "two")
        #expect(
            talk.peer.streams[get]?.status == "200" && talk.peer.streams[get]?["content-type"] == "text/plain"
        )
        #expect(talk.closed == [get: .noError, post: .noError])
    }

    @Test("trailers both ways (RFC 9113 8.1)", arguments: [1, .max])
    func trailers(piece: Int) throws {
        let talk = try Conversation()
        let stream = talk.peer.request("POST", "/", content: Array("abc".utf8), isLast: false)
        try talk.run(piece: piece)
        #expect(talk.ended.isEmpty)
        talk.peer.send(trailers: [("x-sum", "7")], on: stream)
        try talk.run(piece: piece)
        #expect(talk.ended == [stream])
        #expect(talk.trailers[stream].map { Array($0) } == [.init(name: "x-sum", value: "7")])
        let name = try #require(HTTPField.Name("X-Check"))
        try talk.respond("body", on: stream, trailers: [name: "42"])
        try talk.run()
        #expect(talk.peer.streams[stream]?.text == "body")
        #expect(talk.peer.streams[stream]?.trailers.map(\.value) == ["42"])
    }

    @Test(
        "content that nobody consumes keeps the stream's window closed, and the connection's open (RFC 9113 5.2)"
    )
    func windows() throws {
        let talk = try Conversation()
        talk.consumes = false
        let bytes = (0..<200_000).map { UInt8($0 % 251) }
        let first = talk.peer.request("POST", "/", content: bytes)
        let second = talk.peer.request("POST", "/", content: bytes)
        try talk.run()
        #expect(talk.content[first]?.count == 65_535 && talk.content[second]?.count == 65_535)
        talk.session.consume(65_535, of: first)
        talk.consumes = true
        try talk.run()
        #expect(talk.content[first] == bytes)
        #expect(talk.content[second]?.count == 65_535)
    }

    @Test("content waits until there is some, and is asked for again then")
    func deferred() throws {
        let talk = try Conversation()
        let stream = talk.peer.request("GET", "/")
        try talk.run()
        var fields = HTTP2FieldSection()
        fields.append(status: 200)
        talk.output[stream] = ([], false, [:])
        talk.session.respond(fields, on: stream, hasContent: true)
        try talk.run()
        #expect(talk.peer.streams[stream]?.status == "200")
        talk.output[stream] = (Array("later".utf8), true, [:])
        try talk.run()
        #expect(talk.peer.streams[stream]?.text == "")
        talk.session.resume(stream)
        try talk.run()
        #expect(talk.peer.streams[stream]?.text == "later" && talk.peer.streams[stream]?.isEnded == true)
    }

    @Test(
        "SETTINGS offer extended CONNECT and no priorities, and announce the limits (RFC 8441 3, RFC 9218 2.1)"
    )
    func settings() throws {
        let talk = try Conversation()
        try talk.run()
        #expect(talk.peer.settings[3] == 100)
        #expect(talk.peer.settings[4] == 65_535)
        #expect(talk.peer.settings[6] == 32_768)
        #expect(talk.peer.settings[8] == 1)
        #expect(talk.peer.settings[9] == 1)
        #expect(talk.session.isEstablished)
    }

    @Test("extended CONNECT has its protocol, path and scheme (RFC 8441 4)")
    func extendedConnect() throws {
        let talk = try Conversation()
        try talk.run()
        _ = talk.peer.request(
            raw: [
                (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/ws"),
                (":authority", "x"),
            ], content: [], isLast: false)
        try talk.run()
        let head = try #require(talk.heads.first).head
        #expect(head.isExtendedConnect && head.upgradeProtocol == "websocket" && head.target == "/ws")
    }

    @Test("shutdown: a notice that lets streams come, a PING, and the last word (RFC 9113 6.8)")
    func shutdown() throws {
        let talk = try Conversation()
        let stream = talk.peer.request("GET", "/")
        try talk.run()
        talk.session.announceShutdown()
        try talk.run()
        #expect(talk.pongs == 1)
        #expect(talk.peer.goAways == [.init(code: 0, lastStream: .max, text: "")])
        talk.session.goAway()
        try talk.run()
        #expect(talk.peer.goAways.last == .init(code: 0, lastStream: stream, text: ""))
        #expect(!talk.session.isFinished)
        try talk.respond("done", on: stream)
        try talk.run()
        #expect(talk.peer.streams[stream]?.text == "done")
        #expect(talk.session.isFinished)
    }

    @Test("an invalid preface, and a frame that breaks the protocol, end the connection")
    func violations() throws {
        let talk = try Conversation()
        #expect(throws: HTTP2Violation.self) {
            try talk.receive(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
        }
        let other = try Conversation()
        try other.run()
        // DATA on stream 0.
        try other.receive([0, 0, 1, 0, 0, 0, 0, 0, 0, 0x61])
        try other.run()
        #expect(other.peer.goAways.map(\.code) == [1])
        #expect(other.session.isFinished)
    }
}

@Suite("HTTP/2: requests that are refused, and peers that are sent away")
struct HTTP2AbuseTests {
    private func refusal(_ fields: [(String, String)], limits: HTTPLimits = HTTPLimits()) throws -> Int? {
        let talk = try Conversation(limits: limits)
        _ = talk.peer.request(raw: fields)
        try talk.run()
        #expect(talk.heads.isEmpty)
        #expect(talk.refusals.count + talk.closed.count > 0)
        return talk.refusals.first?.status
    }

    private func head(_ path: String = "/", authority: String = "x") -> [(String, String)] {
        [(":method", "GET"), (":scheme", "http"), (":authority", authority), (":path", path)]
    }

    @Test("what a gateway could be deceived with (RFC 9113 8.3.1, RFC 9110 4.2.4)")
    func authorities() throws {
        #expect(try refusal(head(authority: "a@b")) == 400)
        #expect(try refusal(head(authority: "a:99999")) == 400)
        #expect(try refusal(head() + [("host", "other")]) == 400)
        // nghttp2 calls this one malformed, and resets the stream.
        #expect(try refusal(head() + [("host", "x"), ("host", "x")]) == nil)
        #expect(try refusal(head("/a#b")) == 400)
        #expect(try refusal([(":method", "GET"), (":scheme", "http"), (":path", "/")]) != 200)
        #expect(
            try refusal([(":method", "GET"), (":scheme", "ftp"), (":authority", "x"), (":path", "/")]) == 400)
        #expect(try refusal([(":method", "CONNECT"), (":authority", "x")]) == 501)
        #expect(try refusal(head() + [("expect", "the moon")]) == 417)
    }

    @Test("Host alone is an authority, and one that says the same is fine")
    func hosts() throws {
        let talk = try Conversation()
        _ = talk.peer.request(raw: [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "x:1")])
        _ = talk.peer.request(raw: head(authority: "X:2") + [("host", "x:2")])
        try talk.run()
        #expect(talk.heads.map(\.head.authority) == ["x:1", "X:2"])
    }

    @Test("limits of the header section: 414, 431, and GOAWAY far beyond")
    func headerLimits() throws {
        #expect(try refusal(head("/" + String(repeating: "a", count: 8192))) == 414)
        #expect(try refusal(head() + [("a", String(repeating: "b", count: 16 * 1024))]) == 431)
        #expect(try refusal(head() + (0..<102).map { ("a\($0)", "b") }) == 431)
        let long = String(repeating: "b", count: 12_000)
        #expect(try refusal(head() + [("a", long), ("b", long), ("c", long)]) == 431)
        let talk = try Conversation()
        _ = talk.peer.request(raw: head() + (0..<1001).map { ("cookie", "\($0)") })
        #expect { try talk.run() } throws: {
            ($0 as? HTTP2Violation)?.rule.contains("connectionHeaderCount") == true
        }
    }

    @Test("the section of trailers has the limits of a header section")
    func trailerLimits() throws {
        let talk = try Conversation()
        let stream = talk.peer.request("POST", "/", content: [1], isLast: false)
        try talk.run()
        talk.peer.send(trailers: (0..<101).map { ("a\($0)", "b") }, on: stream)
        try talk.run()
        #expect(talk.refusals.map(\.status) == [431] && talk.ended.isEmpty)
    }

    @Test(
        "a header section that was refused half-way takes nothing from the next one, nor from the connection")
    func brokenSections() throws {
        let talk = try Conversation()
        let broken = talk.peer.request("POST", "/", content: [1], isLast: false)
        try talk.run()
        // ":path: /" in trailers, and a request of another stream behind it, in one piece.
        let trailers: [UInt8] = [0, 0, 1, 1, 5, 0, 0, 0, UInt8(broken), 0x84]
        let next = UInt8(broken) + 2
        let request: [UInt8] = [0, 0, 6, 1, 5, 0, 0, 0, next, 0x82, 0x86, 0x84, 1, 1, 0x61]
        try talk.receive(trailers + request)
        #expect(talk.heads.map(\.stream) == [broken, Int32(next)])
        #expect(!talk.session.isMidHeaders)
        // An upper-case name is malformed (RFC 9113 8.2), and its section is over with the reset.
        try talk.receive([0, 0, 10, 1, 5, 0, 0, 0, next + 2, 0x82, 0x86, 0x84, 1, 1, 0x61, 0, 1, 0x41, 0])
        var reply: [UInt8] = []
        try talk.session.send(into: &reply, limit: .max, now: talk.now)
        #expect(!talk.session.isMidHeaders && talk.heads.count == 2)
    }

    @Test("a response's header section may be large, and one that is too large fails its stream")
    func largeSections() throws {
        let talk = try Conversation()
        let fine = talk.peer.request("GET", "/")
        let tooMuch = talk.peer.request("GET", "/")
        try talk.run()
        for (stream, size) in [(fine, 200_000), (tooMuch, 2_000_000)] {
            var fields = HTTP2FieldSection()
            fields.append(status: 204)
            // In pieces, as a peer takes no field of more than 64 KiB.
            for index in 0..<(size / 20_000) {
                let name = try #require(HTTPField.Name("x-\(index)"))
                try fields.append([name: String(repeating: "~", count: 20_000)])
            }
            talk.session.respond(fields, on: stream, hasContent: false)
        }
        var reply: [UInt8] = []
        try talk.session.send(into: &reply, limit: .max, now: talk.now)
        #expect(reply.count > 200_000 && talk.failed == [tooMuch])
    }

    @Test("the announced number of streams is ours; nghttp2 leaves it to us to refuse more (RFC 9113 5.1.2)")
    func streamLimit() throws {
        var limits = HTTP2Limits()
        limits.concurrentStreams = 0x0102
        let talk = try Conversation(http2Limits: limits)
        try talk.run()
        #expect(talk.peer.settings[3] == 0x0102)
        // :method GET, :scheme http, :path / and :authority a, without the client's own accounting.
        for stream in UInt8(0)..<100 {
            try talk.receive([0, 0, 6, 1, 5, 0, 0, 0, stream * 2 + 1, 0x82, 0x86, 0x84, 0x01, 0x01, 0x61])
        }
        #expect(talk.heads.count == 100)
    }

    @Test("ids that go backwards, and PRIORITY on stream 0, end the connection (RFC 9113 5.1.1, 6.3)")
    func order() throws {
        func headers(_ stream: UInt8) -> [UInt8] {
            [0, 0, 6, 1, 5, 0, 0, 0, stream, 0x82, 0x86, 0x84, 0x01, 0x01, 0x61]
        }
        let talk = try Conversation()
        try talk.run()
        try talk.receive(headers(1) + headers(7))
        #expect { try talk.receive(headers(3)) } throws: { ($0 as? HTTP2Violation)?.code == .protocolError }
        let other = try Conversation()
        try other.run()
        #expect { try other.receive([0, 0, 5, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]) } throws: {
            ($0 as? HTTP2Violation)?.code == .protocolError
        }
    }

    @Test("what was made before a violation is sent, and GOAWAY behind it")
    func outputIsKept() throws {
        var limits = HTTP2Limits()
        limits.causedResets = 0
        let talk = try Conversation(http2Limits: limits)
        let stream = talk.peer.request("POST", "/", content: [], isLast: false)
        try talk.receive(talk.peer.output())
        // A window beyond 2^31-1 resets the stream, behind SETTINGS that are not sent yet.
        try talk.receive([0, 0, 4, 8, 0, 0, 0, 0, UInt8(stream), 0x7F, 0xFF, 0xFF, 0xFF])
        var reply: [UInt8] = []
        #expect(throws: HTTP2Violation.self) {
            try talk.session.send(into: &reply, limit: .max, now: talk.now)
        }
        #expect(reply.count > 9 && reply[3] == 4, "SETTINGS first")
        talk.session.terminate(.limit("causedResets"))
        try talk.session.send(into: &reply, limit: .max, now: talk.now)
        #expect(talk.peer.receive(reply))
        #expect(talk.peer.goAways.count == 1)
        #expect(talk.peer.settings[8] == 1)
    }

    @Test("the connection goes on after a refusal")
    func goesOn() throws {
        let talk = try Conversation()
        _ = talk.peer.request(raw: head() + (0..<200).map { ("a\($0)", "b") })
        let good = talk.peer.request("GET", "/good")
        try talk.run()
        #expect(talk.heads.map(\.stream) == [good])
        #expect(talk.heads.first?.head.headers.isEmpty == true)
    }

    /// Sends the same frame so often, 1,000 in a second; the rule that ended it.
    private func flood(_ frame: [UInt8], _ count: Int, limits: HTTP2Limits = HTTP2Limits()) throws -> String?
    {
        let talk = try Conversation(http2Limits: limits)
        try talk.run()
        do {
            for index in 0..<count {
                talk.now += index % 10 == 0 ? 1 : 0
                try talk.receive(frame)
                var reply: [UInt8] = []
                try talk.session.send(into: &reply, limit: .max, now: talk.now)
            }
            return nil
        } catch let violation as HTTP2Violation {
            #expect(violation.code == .enhanceYourCalm)
            return violation.rule
        }
    }

    @Test("floods of frames that nothing explains")
    func floods() throws {
        let ping: [UInt8] = [0, 0, 8, 6, 0, 0, 0, 0, 0] + [UInt8](repeating: 1, count: 8)
        let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
        let priority: [UInt8] = [0, 0, 5, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9]
        let unknown: [UInt8] = [0, 0, 0, 0xEE, 0, 0, 0, 0, 0]
        for frame in [ping, settings, priority, unknown] {
            #expect(try flood(frame, 9_000) == nil)
            let rule = try flood(frame, 13_000)
            #expect(rule?.contains("unexplainedFrames") == true, "\(frame): \(rule ?? "nil")")
        }
    }

    @Test("empty DATA, CONTINUATION and resets have limits of their own")
    func ownLimits() throws {
        let talk = try Conversation()
        let stream = talk.peer.request("POST", "/", content: [], isLast: false)
        try talk.run()
        let empty: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, UInt8(stream)]
        for _ in 0..<100 { try talk.receive(empty) }
        #expect { try talk.receive(empty) } throws: {
            ($0 as? HTTP2Violation)?.rule.contains("emptyDataFrames") == true
        }
        let other = try Conversation()
        for index in 0..<201 {
            let stream = other.peer.request("GET", "/\(index)")
            try other.run()
            other.peer.reset(stream)
            guard index == 200 else { try other.run(); continue }
            #expect { try other.run() } throws: {
                ($0 as? HTTP2Violation)?.rule.contains("receivedResets") == true
            }
        }
    }

    @Test(
        "CONTINUATION frames: 16 are fine, also byte by byte, and 17 are not (CVE-2024-27316)",
        arguments: [1, .max])
    func continuations(piece: Int) throws {
        func frames(_ count: Int) -> [UInt8] {
            // :method GET, :scheme http, :path / and :authority a, as HPACK's static table and literals have them.
            let block: [UInt8] = [0x82, 0x86, 0x84, 0x41, 0x01, 0x61]
            var bytes: [UInt8] = [0, 0, UInt8(block.count), 1, 1, 0, 0, 0, 1] + block
            for index in 0..<count {
                bytes += [0, 0, 4, 9, index == count - 1 ? 4 : 0, 0, 0, 0, 1, 0x00, 0x01, 0x62, 0x00]
            }
            return bytes
        }
        let honest = try Conversation()
        try honest.run()
        try honest.receive(frames(16), piece: piece)
        #expect(honest.heads.count == 1 && honest.heads[0].head.headers.count == 16)
        let flooding = try Conversation()
        try flooding.run()
        #expect { try flooding.receive(frames(17), piece: piece) } throws: {
            ($0 as? HTTP2Violation)?.rule.contains("continuations") == true
        }
    }

    @Test("streams that the peer makes the server reset count against it (CVE-2025-8671)")
    func madeYouReset() throws {
        let talk = try Conversation()
        var rule: String?
        do {
            for _ in 0..<101 {
                let stream = talk.peer.request("POST", "/", content: [], isLast: false)
                try talk.run()
                // A window beyond 2^31-1 (RFC 9113 6.9.1).
                let id = UInt32(stream)
                try talk.receive([
                    0, 0, 4, 8, 0, 0, 0, UInt8(id >> 8), UInt8(id & 0xFF), 0x7F, 0xFF, 0xFF, 0xFF,
                ])
                try talk.run()
            }
        } catch let violation as HTTP2Violation {
            rule = violation.rule
        }
        #expect(rule?.contains("causedResets") == true)
        #expect(talk.heads.count == 101)
    }

    @Test("an ended connection says why, and nothing else")
    func terminated() throws {
        let talk = try Conversation()
        let stream = talk.peer.request("GET", "/")
        try talk.run()
        try talk.respond("never", on: stream)
        talk.session.terminate(.limit("something: too much"))
        var reply: [UInt8] = []
        try talk.session.send(into: &reply, limit: .max, now: talk.now)
        #expect(talk.peer.receive(reply))
        #expect(talk.peer.goAways == [.init(code: 11, lastStream: stream, text: "limit something: too much")])
        #expect(talk.peer.streams[stream]?.content.isEmpty != false)
    }

    @Test("random bytes and mutated frames never trap, and never make the session say what is no HTTP/2")
    func mutations() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<400 {
            let talk = try Conversation()
            _ = talk.peer.request("POST", "/a", fields: [("x", "y")], content: Array("hello".utf8))
            var bytes = talk.peer.output()
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 24..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            try? talk.receive(bytes, piece: Int.random(in: 1...64, using: &random))
            var reply: [UInt8] = []
            try? talk.session.send(into: &reply, limit: .max, now: talk.now)
            #expect(talk.peer.receive(reply), "\(bytes)")
        }
    }
}
