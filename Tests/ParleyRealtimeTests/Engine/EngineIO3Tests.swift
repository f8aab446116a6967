import Foundation
import HTTPTypes
import ParleyWire
import Testing

@testable import ParleyHTTP
@testable import ParleyRealtime

@Suite("Socket.IO 1.x and 2.x clients (Engine.IO 3)")
struct EngineIO3Tests {
    @Test("they are refused with code 5 unless they are allowed")
    func offByDefault() async throws {
        let answer = try await EngineIO3Client.call(Realtime(), .get, "EIO=3&transport=polling")
        #expect(answer.status == 400 && answer.text.hasPrefix(#"{"code":5"#))
    }

    @Test("the open packet has its length, and the root namespace is joined without being asked for")
    func handshake() async throws {
        let realtime = EngineIO3Client.server()
        let answer = try await EngineIO3Client.call(realtime, .get, "EIO=3&transport=polling")
        let parts = answer.text.split(separator: ":", maxSplits: 1)
        #expect(Int(parts[0]) == parts[1].utf16.count)
        #expect(parts[1].hasPrefix(#"0{"sid":""#))
        _ = try await EngineIO3Client.join(realtime)
    }

    @Test("a request with another EIO than the handshake's is refused, and the session lives on")
    func revisionMismatch() async throws {
        let realtime = EngineIO3Client.server()
        let old = try await EngineIO3Client.join(realtime)
        let answer = try await EngineIO3Client.call(
            realtime, .get, "EIO=4&transport=polling&sid=\(old.sid)")
        #expect(answer.status == 400 && answer.text.hasPrefix(#"{"code":3"#))
        let new = try await PollingClient(realtime)
        let other = try await EngineIO3Client.call(
            realtime, .get, "EIO=3&transport=polling&sid=\(new.sid)")
        #expect(other.status == 400)
        try await old.send("2")
        #expect(try await old.get().text == "1:3")
        try await new.send("40")
        #expect(try await new.next().hasPrefix("40{"))
    }

    @Test("the client's pings are answered with their data; its pongs end the session")
    func heartbeat() async throws {
        let client = try await EngineIO3Client.join(EngineIO3Client.server())
        try await client.send("2", "2probe", "2é🎉")
        let answer = try await client.get()
        #expect(answer.type == "application/octet-stream")
        #expect(
            answer.bytes == [0, 1, 0xFF] + "3".utf8 + [0, 6, 0xFF] + "3probe".utf8 + [0, 7, 0xFF] + "3é🎉".utf8
        )
        try await client.send("3")
        #expect(try await client.get().status == 400)
    }

    @Test("a client that doesn't ping for both times of the heartbeat is gone; one that does stays")
    func silence() async throws {
        let realtime = EngineIO3Client.server {
            $0.engine.pingInterval = .milliseconds(120)
            $0.engine.pingTimeout = .milliseconds(80)
        }
        let journal = Journal()
        realtime.root.onDisconnect { (_, reason: DisconnectReason) async in await journal.add(reason.rawValue)
        }
        let client = try await EngineIO3Client.join(realtime)
        for _ in 0..<4 {
            try await Task.sleep(for: .milliseconds(100))
            #expect(try await client.send("2") == 200)
        }
        #expect(realtime.sessionCount == 1)
        #expect(try await journal.wait(for: 1) == ["ping timeout"])
        #expect(realtime.sessionCount == 0)
    }

    @Test("binary is framed with its type, or base64 for a client that asks for it")
    func binary() async throws {
        let realtime = EngineIO3Client.server()
        realtime.root.on("echo") { (socket, data: Data) in _ = socket.emit("echo", data) }
        let event = #"451-["echo",{"_placeholder":true,"num":0}]"#
        for query in ["", "&b64=1"] {
            let client = try await EngineIO3Client.join(realtime, query: query)
            let framed: [UInt8] =
                [0, 4, 2, 0xFF] + Array(event.utf8) + [1, 4, 0xFF, 4, 1, 2, 3]
            #expect(try await client.post(framed, type: "application/octet-stream") == 200)
            let answer = try await client.get()
            if query.isEmpty {
                #expect(answer.type == "application/octet-stream")
                #expect(answer.bytes == framed)
            } else {
                #expect(answer.type == "text/plain; charset=UTF-8")
                #expect(answer.text == "42:\(event)6:b4AQID")
            }
        }
    }

    @Test("a refusal is an ERROR packet: data or the message, and the root namespace's middleware runs too")
    func refusals() async throws {
        let realtime = EngineIO3Client.server()
        realtime.root.use { if $0.query("root") == "no" { throw ConnectError("not here") } }
        realtime.namespace("/admin").use { handshake in
            #expect(handshake.auth == .null)
            guard handshake.query("token") == "a b" else {
                throw ConnectError("no", data: ["code": 4401])
            }
        }
        let client = try await EngineIO3Client.join(realtime)
        try await client.send("40/admin")
        #expect(try await client.get().text == #"22:44/admin,{"code":4401}"#)
        try await client.send("40/unknown?x=1")
        #expect(try await client.get().text == #"30:44/unknown,"Invalid namespace""#)
        try await client.send("40/admin?token=a%20b")
        #expect(try await client.get().text == "9:40/admin,")
        let refused = try await EngineIO3Client(realtime, query: "&root=no")
        #expect(try await refused.get().text == #"12:44"not here""#)
    }

    @Test("a socket's id is what the client computes from its session's; packets may carry the query on")
    func identifiers() async throws {
        let realtime = EngineIO3Client.server()
        let admin = realtime.namespace("/admin")
        admin.on("id") { socket in socket.id }
        let client = try await EngineIO3Client.join(realtime)
        #expect(realtime.root.sockets.map(\.id) == [client.sid])
        try await client.send("40/admin?a=b,", #"42/admin?a=b,7["id"]"#)
        let expected = #"43/admin,7["/admin#\#(client.sid)"]"#
        #expect(try await client.get().text == "9:40/admin,\(expected.utf16.count):\(expected)")
        try await client.send("41/admin", "40/admin")
        #expect(try await client.get().text == "9:40/admin,")
        #expect(admin.sockets.count == 1)
    }

    @Test("a namespace's name and its query have limits of their own")
    func namespaceLimits() async throws {
        let realtime = EngineIO3Client.server()
        let token = String(repeating: "x", count: 4000)
        _ = realtime.namespace("/admin")
        let client = try await EngineIO3Client.join(realtime)
        #expect(try await client.send("40/admin?token=\(token)") == 200)
        #expect(try await client.get().text == "9:40/admin,")
        let long = String(repeating: "x", count: 300)
        try await client.send("40/\(long)?token=1")
        #expect(try await client.get().status == 400)
    }

    @Test(
        "malformed payloads end the session with a parse error",
        arguments: [
            "7:4hello", "99999999999999999999:4", "-1:4", ":4hello", "0:", "", "2:4🎉", "4hello", "2:b4x",
        ])
    func malformed(_ payload: String) async throws {
        let realtime = EngineIO3Client.server()
        let journal = Journal()
        realtime.root.onDisconnect { (_, reason: DisconnectReason) async in await journal.add(reason.rawValue)
        }
        let client = try await EngineIO3Client.join(realtime)
        #expect(try await client.post(Array(payload.utf8)) == 400)
        #expect(try await journal.wait(for: 1) == ["parse error"])
        #expect(realtime.sessionCount == 0)
    }

    @Test("a broadcast reaches clients of both revisions, each in its form")
    func broadcast() async throws {
        let realtime = EngineIO3Client.server()
        let old = try await EngineIO3Client.join(realtime)
        let base64 = try await EngineIO3Client.join(realtime, query: "&b64=1")
        let new = try await PollingClient.join(realtime)
        realtime.root.emit("text", "é🎉")
        let text = #"42["text","é🎉"]"#
        #expect(try await old.get().bytes == [0, 1, 9, 0xFF] + text.utf8)
        #expect(try await base64.get().text == "16:\(text)")
        #expect(try await new.next() == text)
        realtime.root.emit("data", Data([1, 2, 3]))
        let event = #"451-["data",{"_placeholder":true,"num":0}]"#
        #expect(try await old.get().bytes == [0, 4, 2, 0xFF] + Array(event.utf8) + [1, 4, 0xFF, 4, 1, 2, 3])
        #expect(try await base64.get().text == "42:\(event)6:b4AQID")
        #expect(try await new.next() == event)
        #expect(try await new.next() == "bAQID")
    }

    @Test("what Engine.IO 3 clients are sent is made once for all of them")
    func sharedAttachments() throws {
        let frames = [EngineFrame(binary: [1, 2])]
        let shared = EngineIO3Attachments()
        let first = shared.frames(of: frames)
        #expect(first[0].webSocket == [0x82, 3, 4, 1, 2])
        #expect(first[0].base64EngineIO3().webSocket == [0x81, 6] + "b4AQI=".utf8)
        let bases = [first, shared.frames(of: frames)].map {
            $0[0].webSocket.withUnsafeBufferPointer(\.baseAddress)
        }
        #expect(bases[0] == bases[1])
    }

    @Test("over WebSocket: pings, binary with its type byte, b64 as text, upgrade by probe")
    func webSocket() async throws {
        let realtime = EngineIO3Client.server()
        realtime.root.on("echo") { (socket, data: Data) in _ = socket.emit("echo", data) }
        let socket = try await WebSocketClient.open(realtime, revision: 3, query: "&b64=1")
        #expect(try await socket.next().hasPrefix(#"0{"sid""#))
        #expect(try await socket.next() == "40")
        await socket.send("2hi", #"451-["echo",{"_placeholder":true,"num":0}]"#, "b4AQID")
        #expect(try await socket.next() == "3hi")
        #expect(try await socket.next() == #"451-["echo",{"_placeholder":true,"num":0}]"#)
        #expect(try await socket.next() == "b4AQID")
        await socket.send("b3AQID")
        #expect(try await socket.next() == "closed")

        let polling = try await EngineIO3Client.join(realtime)
        let upgrade = try await WebSocketClient.open(realtime, sid: polling.sid, revision: 3)
        await upgrade.send("2probe")
        #expect(try await upgrade.next() == "3probe")
        #expect(try await polling.get().text == "1:6")
        await upgrade.send("5", #"451-["echo",{"_placeholder":true,"num":0}]"#)
        await upgrade.send(binary: [4, 1, 2, 3])
        #expect(try await upgrade.next() == #"451-["echo",{"_placeholder":true,"num":0}]"#)
        #expect(try await upgrade.next() == "\u{4}\u{1}\u{2}\u{3}")
        await upgrade.send(binary: [5, 1])
        #expect(try await upgrade.next() == "closed")
    }

    @Test("what small clients say for nothing is let pass: CONNECT to the root namespace, a second upgrade")
    func redundant() async throws {
        let realtime = EngineIO3Client.server()
        realtime.root.on("ask") { (_: Socket) in 7 }
        let polling = try await EngineIO3Client.join(realtime)
        #expect(try await polling.send("40") == 200)
        try await polling.send(#"421["ask"]"#)
        #expect(try await polling.get().text == "6:431[7]")
        try await polling.send("41", "40")
        #expect(try await polling.get().text == "2:40")
        let webSocket = try await WebSocketClient.open(realtime, revision: 3)
        await webSocket.send("2probe", "5", "40", #"421["ask"]"#)
        #expect(try await webSocket.next().hasPrefix("0{"))
        for packet in ["40", "3probe", "431[7]"] { #expect(try await webSocket.next() == packet) }
        #expect(realtime.root.sockets.count == 2)
    }
}
