import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

@Suite("How a watched response ends")
struct ResponseEndTests {
    /// Takes whatever it is given.
    private struct Writer: FileWriter {
        let sendsFiles: Bool
        func write(_ bytes: [UInt8]) async throws {}
        func setTrailers(_ trailers: HTTPFields) async throws {}
        func send(_ range: Range<UInt64>, of file: FileDescriptor) async throws -> Bool { sendsFiles }
    }

    private final class Ends: Sendable {
        private let ends = Lock<[ResponseEnd]>([])
        var all: [ResponseEnd] { ends.withLock { $0 } }
        func add(_ end: ResponseEnd) { ends.withLock { $0.append(end) } }
    }

    private func run(
        _ ends: Ends, sendsFiles: Bool = true, _ producer: @escaping ResponseBody.Producer
    ) async throws {
        let response = Response(body: .stream(producer)).watchingEnd { ends.add($0) }
        guard case .stream(_, let watched) = response.body.content else { return }
        try await watched(Writer(sendsFiles: sendsFiles))
    }

    @Test(
        "what the kernel sends of a file is counted, and still the kernel's to send",
        arguments: [true, false])
    func files(_ sendsFiles: Bool) async throws {
        let ends = Ends()
        let file = try FileDescriptor.file("/dev/null")
        try await run(ends, sendsFiles: sendsFiles) { writer in
            try await writer.write([1, 2, 3])
            let watched = try #require(writer as? any FileWriter)
            #expect(try await watched.send(10..<17, of: file) == sendsFiles)
        }
        #expect(ends.all.map(\.bytes) == [sendsFiles ? 10 : 3])
    }

    @Test("a body ends once: complete, failed, or never begun")
    func once() async throws {
        let ends = Ends()
        try await run(ends) { _ in }
        await #expect(throws: Failure.self) { try await run(ends) { _ in throw Failure() } }
        _ = Response(body: .stream { _ in }).watchingEnd { ends.add($0) }
        _ = Response(body: .bytes([1, 2])).watchingEnd { ends.add($0) }
        #expect(ends.all.map(\.bytes) == [0, 0, 0, 2])
        #expect(ends.all.map { $0.error is Failure } == [false, true, false, false])
    }
}
