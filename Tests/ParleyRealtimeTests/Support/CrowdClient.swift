import ParleyTransport
import Synchronization
import Testing

@testable import ParleyRealtime

/// A client of the crowd test: it stays to the end, says things in rooms, upgrades amid the traffic, and keeps what it was told.
final class CrowdClient: Sendable {
    let name: Int
    private let polling: PollingClient
    private let received = Lock<[String]>([])
    private let isUpgrading = Atomic(false)
    private let owedPongs = Atomic(0)

    init(_ realtime: Realtime, name: Int, loop: EventLoop) async throws {
        self.name = name
        polling = try await PollingClient(realtime, loop: loop)
        try await polling.send("40", #"42["join","all"]"#)
    }

    /// What came, in its order.
    var packets: [String] { received.withLock { $0 } }

    /// Says so many things to everybody, half before and half after an upgrade, and others in a room that it joins and
    /// leaves. Returns the WebSocket, and which of its own words in the room it must have heard.
    func live(words: Int, room: String, webSocketLoop: EventLoop) async throws -> (WebSocketClient, Set<Int>)
    {
        let reader = Task { try await self.poll() }
        var member = Membership(room: room)
        for word in 0..<(words / 2) {
            #expect(
                try await polling.send(member.packets(name, word, pongs: pongs()).joined(separator: "\u{1E}"))
                    == 200)
            await Task.yield()
        }
        let webSocket = try await WebSocketClient.open(
            polling.realtime, sid: polling.sid, loop: webSocketLoop)
        await webSocket.send("2probe")
        #expect(try await webSocket.next() == "3probe")
        isUpgrading.store(true, ordering: .relaxed)
        try await reader.value
        await webSocket.send("5")
        for word in (words / 2)..<words {
            keep(webSocket.take())
            await webSocket.send(member.packets(name, word, pongs: pongs()))
        }
        return (webSocket, member.heard)
    }

    /// Waits for the packet over the WebSocket.
    func wait(for packet: String, _ webSocket: WebSocketClient) async throws {
        for _ in 0..<10_000 {
            keep(webSocket.take())
            for _ in 0..<pongs() { await webSocket.send("3") }
            if packets.contains(packet) { return }
            try await Task.sleep(for: .milliseconds(1))
        }
        Issue.record("client \(name) got no \(packet)")
    }

    private func poll() async throws {
        while !isUpgrading.load(ordering: .relaxed) {
            let (status, body) = try await polling.get()
            #expect(status == 200)
            keep(body.split(separator: "\u{1E}").map(String.init))
        }
    }

    private func keep(_ packets: [String]) {
        for packet in packets {
            if packet == "2" { owedPongs.add(1, ordering: .relaxed) }
            received.withLock { $0.append(packet) }
        }
    }

    private func pongs() -> Int { owedPongs.exchange(0, ordering: .relaxed) }
}

/// What a client does in its room, and what it must hear of it.
private struct Membership {
    let room: String
    private var isMember = false
    private(set) var heard: Set<Int> = []

    init(room: String) { self.room = room }

    mutating func packets(_ name: Int, _ word: Int, pongs: Int) -> [String] {
        var packets = [String](repeating: "3", count: pongs)
        if Bool.random() {
            packets.append(#"42["\#(isMember ? "leave" : "join")","\#(room)"]"#)
            isMember.toggle()
        }
        if isMember { heard.insert(word) }
        packets.append(#"42["say","\#(room)",\#(name),\#(word)]"#)
        packets.append(#"42["say","all",\#(name),\#(word)]"#)
        return packets
    }
}
