import HTTP2Peer
import HTTPTypes
import Testing

@testable import ParleyWire

@Suite("HTTP/2 sessions (RFC 9113), with nghttp2's client")
struct HTTP2SessionTests {
    @Test("requests and responses, however the input is cut", arguments: [1, 7, .max])
    func exchanges(piece: Int) throws {
        let talk = try HTTP2Conversation()
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
        let talk = try HTTP2Conversation()
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
        let talk = try HTTP2Conversation()
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
        let talk = try HTTP2Conversation()
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
        let talk = try HTTP2Conversation()
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
        let talk = try HTTP2Conversation()
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
        let talk = try HTTP2Conversation()
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
        let talk = try HTTP2Conversation()
        #expect(throws: HTTP2Violation.self) {
            try talk.receive(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
        }
        let other = try HTTP2Conversation()
        try other.run()
        // DATA on stream 0.
        try other.receive([0, 0, 1, 0, 0, 0, 0, 0, 0, 0x61])
        try other.run()
        #expect(other.peer.goAways.map(\.code) == [1])
        #expect(other.session.isFinished)
    }
}
