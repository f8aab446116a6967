import HTTP2Peer
import HTTPTypes
import Testing

@testable import ParleyWire

@Suite("HTTP/2: requests that are refused, and peers that are sent away")
struct HTTP2AbuseTests {
    private func refusal(_ fields: [(String, String)], limits: HTTPLimits = HTTPLimits()) throws -> Int? {
        let talk = try HTTP2Conversation(limits: limits)
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
        let talk = try HTTP2Conversation()
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
        let talk = try HTTP2Conversation()
        _ = talk.peer.request(raw: head() + (0..<1001).map { ("cookie", "\($0)") })
        #expect { try talk.run() } throws: {
            ($0 as? HTTP2Violation)?.rule.contains("connectionHeaderCount") == true
        }
    }

    @Test("the section of trailers has the limits of a header section")
    func trailerLimits() throws {
        let talk = try HTTP2Conversation()
        let stream = talk.peer.request("POST", "/", content: [1], isLast: false)
        try talk.run()
        talk.peer.send(trailers: (0..<101).map { ("a\($0)", "b") }, on: stream)
        try talk.run()
        #expect(talk.refusals.map(\.status) == [431] && talk.ended.isEmpty)
    }

    @Test(
        "a header section that was refused half-way takes nothing from the next one, nor from the connection")
    func brokenSections() throws {
        let talk = try HTTP2Conversation()
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
        let talk = try HTTP2Conversation()
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
        let talk = try HTTP2Conversation(http2Limits: limits)
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
        let talk = try HTTP2Conversation()
        try talk.run()
        try talk.receive(headers(1) + headers(7))
        #expect { try talk.receive(headers(3)) } throws: { ($0 as? HTTP2Violation)?.code == .protocolError }
        let other = try HTTP2Conversation()
        try other.run()
        #expect { try other.receive([0, 0, 5, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]) } throws: {
            ($0 as? HTTP2Violation)?.code == .protocolError
        }
    }

    @Test("what was made before a violation is sent, and GOAWAY behind it")
    func outputIsKept() throws {
        var limits = HTTP2Limits()
        limits.causedResets = 0
        let talk = try HTTP2Conversation(http2Limits: limits)
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
        let talk = try HTTP2Conversation()
        _ = talk.peer.request(raw: head() + (0..<200).map { ("a\($0)", "b") })
        let good = talk.peer.request("GET", "/good")
        try talk.run()
        #expect(talk.heads.map(\.stream) == [good])
        #expect(talk.heads.first?.head.headers.isEmpty == true)
    }

    /// Sends the same frame so often, 1,000 in a second; the rule that ended it.
    private func flood(_ frame: [UInt8], _ count: Int, limits: HTTP2Limits = HTTP2Limits()) throws -> String?
    {
        let talk = try HTTP2Conversation(http2Limits: limits)
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
        let talk = try HTTP2Conversation()
        let stream = talk.peer.request("POST", "/", content: [], isLast: false)
        try talk.run()
        let empty: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, UInt8(stream)]
        for _ in 0..<100 { try talk.receive(empty) }
        #expect { try talk.receive(empty) } throws: {
            ($0 as? HTTP2Violation)?.rule.contains("emptyDataFrames") == true
        }
        let other = try HTTP2Conversation()
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
        let honest = try HTTP2Conversation()
        try honest.run()
        try honest.receive(frames(16), piece: piece)
        #expect(honest.heads.count == 1 && honest.heads[0].head.headers.count == 16)
        let flooding = try HTTP2Conversation()
        try flooding.run()
        #expect { try flooding.receive(frames(17), piece: piece) } throws: {
            ($0 as? HTTP2Violation)?.rule.contains("continuations") == true
        }
    }

    @Test("streams that the peer makes the server reset count against it (CVE-2025-8671)")
    func madeYouReset() throws {
        let talk = try HTTP2Conversation()
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
        let talk = try HTTP2Conversation()
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
            let talk = try HTTP2Conversation()
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
