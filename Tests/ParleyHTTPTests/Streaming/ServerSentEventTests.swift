import Testing

@testable import ParleyHTTP

@Suite("Server-sent events as text (WHATWG HTML 9.2)")
struct ServerSentEventTests {
    private func text(_ event: ServerSentEvent) throws -> String {
        String(decoding: try event.bytes(), as: UTF8.self)
    }

    @Test("fields in their order, and an empty line")
    func fields() throws {
        let event = ServerSentEvent(event: "tick", id: "7", data: "now", retry: .milliseconds(1500))
        #expect(try text(event) == "event: tick\nid: 7\nretry: 1500\ndata: now\n\n")
        #expect(try text(ServerSentEvent(data: "")) == "data: \n\n")
        #expect(try text(ServerSentEvent(id: "", data: nil)) == "id: \n\n")
        #expect(try text(ServerSentEvent(json: ["a": [1]])) == "data: {\"a\":[1]}\n\n")
    }

    @Test("each line of data is one, whichever way lines end")
    func lines() throws {
        for data in ["a\nb\n\nc", "a\rb\r\rc", "a\r\nb\r\n\r\nc", "a\nb\r\n\rc"] {
            #expect(try text(ServerSentEvent(data: data)) == "data: a\ndata: b\ndata: \ndata: c\n\n")
        }
        #expect(try text(ServerSentEvent(data: "a\n")) == "data: a\ndata: \n\n")
        #expect(try text(ServerSentEvent(data: "x: \n:y")) == "data: x: \ndata: :y\n\n")
        #expect(String(decoding: ServerSentEvent.comment("a\rb"), as: UTF8.self) == ": a\n: b\n\n")
    }

    @Test("names and ids that would be more than one line are errors")
    func injection() {
        for text in ["a\nb", "a\r", "\r\n", "a\0"] {
            #expect(throws: ServerSentEventError.invalidName) {
                try ServerSentEvent(event: text, data: "").bytes()
            }
            #expect(throws: ServerSentEventError.invalidID) {
                try ServerSentEvent(id: text, data: "").bytes()
            }
        }
        #expect(throws: ServerSentEventError.invalidRetry) {
            try ServerSentEvent(data: nil, retry: .seconds(-1)).bytes()
        }
    }
}
