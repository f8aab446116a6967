import Foundation
import Testing

@testable import ParleyHTTP

/// The memory of long files. Each test is a process of its own, so that it measures nothing but itself.
@Suite struct FileMemoryTests {
    @Test func `A file of 300 MB is sent in little memory`() async {
        await #expect(processExitsWith: .success) {
            let size = 300 * 1024 * 1024
            try await withLongFile(of: size) { server, path in
                let client = try RawClient(port: server.port)
                try await client.send("GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
                let before = residentMemory() ?? 0
                var received = 0
                var most = 0
                while received < size {
                    let piece = try await client.read()
                    guard !piece.isEmpty else { break }
                    received += piece.count
                    most = max(most, residentMemory() ?? 0)
                }
                #expect(received >= size)
                #expect(most - before < 32 * 1024 * 1024)
                try await expectClosed(path)
            }
        }
    }

    @Test func `Clients that do not read hold back the reading of the file`() async {
        await #expect(processExitsWith: .success) {
            try await withLongFile(of: 300 * 1024 * 1024) { server, path in
                let before = residentMemory() ?? 0
                let clients = try (0..<8).map { _ in try RawClient(port: server.port, receiveBuffer: 4096) }
                for client in clients { try await client.send("GET /long HTTP/1.1\r\nHost: x\r\n\r\n") }
                try await Task.sleep(for: .milliseconds(300))
                #expect((residentMemory() ?? 0) - before < 32 * 1024 * 1024)
                #expect(descriptorsOpen(on: path) ?? 8 == 8)
            }
        }
    }
}

/// Serves a file of that many bytes, which takes no space, as `/long`.
private func withLongFile(
    of size: Int, _ body: (_ server: RunningServer, _ path: String) async throws -> Void
) async throws {
    let directory = try TemporaryDirectory()
    try directory.truncate("long", to: size)
    try await withServer(routes: { $0.files("/", from: directory.path) }) { server in
        try await body(server, directory.path("long"))
    }
    try await expectClosed(directory.path("long"))
}
