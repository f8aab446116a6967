public import ParleyHTTP
import ParleyTransport

/// How a tested application is served.
public struct TestServing: Sendable {
    enum Kind {
        case memory(clock: ManualClock?)
        case live
    }

    let kind: Kind

    /// In memory: connections without sockets, behind which everything is as behind a socket.
    public static let memory = TestServing(kind: .memory(clock: nil))

    /// In memory, with a clock that the test puts forward.
    public static func memory(clock: ManualClock) -> TestServing { TestServing(kind: .memory(clock: clock)) }

    /// On a port of the loopback interface that the system chooses.
    public static let live = TestServing(kind: .live)
}

extension Application {
    /// Serves the application while the body runs, and gives it a client.
    ///
    /// ```swift
    /// try await app.test { client in
    ///     let response = try await client.get("/health")
    ///     #expect(response.status == .ok)
    ///     #expect(response.text == "ok")
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - serving: in memory, or live; the same assertions hold.
    ///   - body: what is done meanwhile.
    /// - Returns: what the body returns.
    /// - Throws: what the body throws, and `TransportError` when there is no loop or port to be had.
    @discardableResult
    public func test<Result: Sendable>(
        _ serving: TestServing = .memory, _ body: (TestClient) async throws -> Result
    ) async throws -> Result {
        switch serving.kind {
        case .memory(let clock): try await testInMemory(clock, body)
        case .live: try await testLive(body)
        }
    }

    private func testInMemory<Result: Sendable>(
        _ clock: ManualClock?, _ body: (TestClient) async throws -> Result
    ) async throws -> Result {
        let server = try await MemoryServer(self) { loop in clock?.take(loop) }
        let client = TestClient { handler, address in try await server.connect(handler, from: address) }
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body(client))
        } catch {
            result = .failure(error)
        }
        clock?.release(server.loop)
        await server.shutdown()
        return try result.get()
    }

    private func testLive<Result: Sendable>(
        _ body: (TestClient) async throws -> Result
    ) async throws -> Result {
        let server = try await start(port: 0)
        let client = TestClient { handler, _ in
            try await TCPConnection.connect(
                to: "127.0.0.1", port: UInt16(server.port), on: server.eventLoops.loops[0]
            ) { _ in handler }
        }
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body(client))
        } catch {
            result = .failure(error)
        }
        // Long enough for the application's hooks; a handler that hangs must not hold the tests up.
        await server.shutdown(deadline: .seconds(2))
        return try result.get()
    }
}
