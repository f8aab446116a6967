import Synchronization
import Testing

@testable import ParleyHTTP

@Suite("Request bodies: buffering, backpressure, limits")
struct RequestBodyTests {
    private final class Source: RequestBodySource {
        let wanted = Atomic(0)
        func bodyIsWanted() { wanted.add(1, ordering: .relaxed) }
    }

    private func append(_ count: Int, to body: RequestBody) -> Bool {
        let bytes = [UInt8](repeating: 1, count: count)
        return body.append(bytes.span)
    }

    @Test("what is there as a whole is collected without waiting")
    func whole() async throws {
        #expect(try await RequestBody(whole: [1, 2, 3]).collect() == [1, 2, 3])
        #expect(try await RequestBody.empty.collect() == [])
    }

    @Test("what is complete is collected at once, what is not stays where it is")
    func complete() async throws {
        #expect(try RequestBody(whole: [1, 2, 3]).collectIfComplete() == [1, 2, 3])
        #expect(try RequestBody.empty.collectIfComplete() == [])
        let source = Source()
        let body = RequestBody(announcedLength: nil, source: source)
        _ = append(3, to: body)
        #expect(try body.collectIfComplete() == nil)
        #expect(source.wanted.load(ordering: .relaxed) == 0)
        _ = append(2, to: body)
        body.finish()
        #expect(try body.collectIfComplete() == [1, 1, 1, 1, 1])
        #expect(try body.collectIfComplete() == [])
    }

    @Test("what is complete but too long, or failed, is no content")
    func completeButRefused() {
        let tooLong = RequestBody(announcedLength: nil, source: Source())
        _ = append(11, to: tooLong)
        tooLong.finish()
        #expect { try tooLong.collectIfComplete(upTo: 10) } throws: { error in
            (error as? HTTPError)?.status.code == 413 && "\(error)".contains("10 bytes")
        }
        let announced = RequestBody(announcedLength: 11, source: Source())
        #expect(throws: HTTPError.self) { try announced.collectIfComplete(upTo: 10) }
        let failed = RequestBody(announcedLength: nil, source: Source())
        failed.finish(throwing: RequestBodyError.connectionClosed)
        #expect(throws: RequestBodyError.connectionClosed) { try failed.collectIfComplete() }
    }

    @Test("an announced length above the limit is 413 at once, and nothing is asked of the client")
    func announcedTooLong() async throws {
        let source = Source()
        let body = RequestBody(announcedLength: 11, source: source)
        await #expect { try await body.collect(upTo: 10) } throws: { error in
            (error as? HTTPError)?.status.code == 413 && "\(error)".contains("10 bytes")
        }
        #expect(source.wanted.load(ordering: .relaxed) == 0)
    }

    @Test("content above the limit is 413, though its length was not announced")
    func tooLong() async throws {
        let body = RequestBody(announcedLength: nil, source: Source())
        _ = append(11, to: body)
        await #expect(throws: HTTPError.self) { try await body.collect(upTo: 10) }
        let exact = RequestBody(announcedLength: nil, source: Source())
        _ = append(10, to: exact)
        exact.finish()
        #expect(try await exact.collect(upTo: 10).count == 10)
    }

    @Test("above 64 KiB the source is asked to pause, and told when the buffer was taken")
    func backpressure() async throws {
        let source = Source()
        let body = RequestBody(announcedLength: nil, source: source)
        #expect(!append(64 * 1024, to: body))
        #expect(append(1, to: body))
        var iterator = body.makeAsyncIterator()
        let first = try await iterator.next()
        #expect(first?.count == 64 * 1024 + 1)
        #expect(source.wanted.load(ordering: .relaxed) == 1)
        #expect(!append(10, to: body))
        let second = try await iterator.next()
        #expect(second?.count == 10)
        #expect(source.wanted.load(ordering: .relaxed) == 1)
    }

    @Test("the first read tells the source, so that 100 Continue can be sent")
    func firstRead() async throws {
        let source = Source()
        let body = RequestBody(announcedLength: 1, source: source)
        let reader = Task { try await body.collect() }
        while source.wanted.load(ordering: .relaxed) == 0 { await Task.yield() }
        _ = append(1, to: body)
        body.finish()
        #expect(try await reader.value == [1])
        #expect(source.wanted.load(ordering: .relaxed) == 1)
    }

    @Test("a reader that waits gets pieces, the end, and errors")
    func waiting() async throws {
        let body = RequestBody(announcedLength: nil, source: Source())
        let reader = Task {
            var sum = 0
            for try await piece in body { sum += piece.count }
            return sum
        }
        for _ in 0..<100 {
            _ = append(7, to: body)
            await Task.yield()
        }
        body.finish()
        #expect(try await reader.value == 700)
        let broken = RequestBody(announcedLength: nil, source: Source())
        let other = Task { try await broken.collect() }
        _ = append(7, to: broken)
        broken.finish(throwing: RequestBodyError.connectionClosed)
        await #expect(throws: RequestBodyError.connectionClosed) { try await other.value }
    }

    @Test("a cancelled reader stops waiting")
    func cancellation() async throws {
        let body = RequestBody(announcedLength: nil, source: Source())
        let reader = Task { try await body.collect() }
        await Task.yield()
        reader.cancel()
        await #expect(throws: CancellationError.self) { try await reader.value }
    }
}
