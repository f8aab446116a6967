import Foundation
import HTTPTypes
import ParleyTransport
import Testing

@testable import ParleyHTTP

/// What is kept of files in memory, and for how long it is believed.
@Suite struct FileCacheTests {
    /// A site that keeps files which were just written, and looks at them at each request unless told otherwise.
    private func site(
        validity: Duration = .zero, capacity: Int = 1 << 20, largest: Int = 1000,
        change: (inout FileOptions) -> Void = { _ in }
    ) throws -> FileSite {
        var options = FileOptions()
        var cache = FileCacheOptions(capacity: capacity, largestFile: largest, validity: validity)
        cache.settlingTime = -1
        options.cache = cache
        change(&options)
        return try FileSite(options: options)
    }

    @Test func `Names that differ in their bytes are different files, however alike they look`() async throws
    {
        let site = try site(validity: .seconds(3600))
        try site.write("latin", to: "K.txt")
        #expect(try await site.get("/K.txt").text() == "latin")
        // KELVIN SIGN, canonically equivalent to the letter.
        #expect(await site.get("/%E2%84%AA.txt").status == .notFound)
    }

    @Test func `A file that is in memory is answered without the file system until it is looked at again`()
        async throws
    {
        let site = try site(validity: .seconds(3600))
        try site.write("one", to: "a.txt")
        let first = await site.get("/a.txt")
        try site.write("another", to: "a.txt")
        try FileManager.default.removeItem(atPath: site.directory.path("public/a.txt"))
        let second = await site.get("/a.txt")
        #expect(try await second.text() == "one")
        #expect(second.headers == first.headers)
        #expect(try await site.get("/%61.txt").text() == "one")
        #expect(await site.get("/a.txt/").status == .notFound)
        #expect(await site.request(.head, "/a.txt").body.length == 3)
        let tag = try #require(first.headers[.eTag])
        #expect(await site.get("/a.txt", [.ifNoneMatch: "W/" + tag]).status == .notModified)
        #expect(await site.get("/a.txt", [.ifMatch: "\"x\""]).status == .preconditionFailed)
        let part = await site.get("/a.txt", [.range: "bytes=1-"])
        #expect(part.status == .partialContent)
        #expect(try await part.text() == "ne")
        #expect(await site.get("/a.txt", [.range: "bytes=3-"]).status == .rangeNotSatisfiable)
        let parts = await site.get("/a.txt", [.range: "bytes=0-0,2-2"])
        #expect(try await parts.bytes().count == Int(parts.body.length ?? 0))
    }

    @Test func `A hit is answered on the loop, without a task`() async throws {
        let site = try site(validity: .seconds(3600))
        try site.write("one", to: "a.txt")
        #expect(try site.attempt("/a.txt") == nil)
        _ = await site.get("/a.txt")
        #expect(try site.attempt("/a.txt")?.status == .ok)
        #expect(try site.attempt("/a.txt?x=1")?.status == .ok)
        #expect(try site.attempt("/b.txt") == nil)
        #expect(throws: HTTPError.self) { try site.attempt("/a.txt", [.ifMatch: "\"x\""]) }
    }

    @Test func `Every change of a file is seen when it is looked at`() async throws {
        let site = try site()
        let path = site.directory.path("public/a.txt")
        try site.write("one", to: "a.txt")
        #expect(try await site.get("/a.txt").text() == "one")
        let tag = await site.get("/a.txt").headers[.eTag]
        // In place, of the same size, and with the time set back.
        try site.directory.setModified("public/a.txt", seconds: 1_000_000_000)
        _ = await site.get("/a.txt")
        try await Task.sleep(for: .milliseconds(20))
        try overwrite(path, "two")
        try site.directory.setModified("public/a.txt", seconds: 1_000_000_000)
        #expect(try await site.get("/a.txt").text() == "two")
        #expect(await site.get("/a.txt").headers[.eTag] != tag)
        // By rename.
        try site.write("three", to: "new")
        #expect(rename(site.directory.path("public/new"), path) == 0)
        #expect(try await site.get("/a.txt").text() == "three")
        // Deleted, and there again.
        try FileManager.default.removeItem(atPath: path)
        #expect(await site.get("/a.txt").status == .notFound)
        try site.write("four", to: "a.txt")
        #expect(try await site.get("/a.txt").text() == "four")
        // A link to the same file, first inside and then outside of the root.
        #expect(rename(path, site.directory.path("public/b.txt")) == 0)
        try site.directory.link("public/a.txt", to: "b.txt")
        #expect(try await site.get("/a.txt").text() == "four")
        try FileManager.default.removeItem(atPath: path)
        #expect(rename(site.directory.path("public/b.txt"), site.directory.path("b.txt")) == 0)
        try site.directory.link("public/a.txt", to: "../b.txt")
        #expect(await site.get("/a.txt").status == .notFound)
        // A directory.
        try FileManager.default.removeItem(atPath: path)
        try site.write("index", to: "a.txt/index.html")
        #expect(await site.get("/a.txt").status == .movedPermanently)
        #expect(try await site.get("/a.txt/").text() == "index")
    }

    @Test func `A directory that becomes a link to the outside is seen too`() async throws {
        let site = try site()
        try site.write("x", to: "sub/a.txt")
        #expect(try await site.get("/sub/a.txt").text() == "x")
        #expect(rename(site.directory.path("public/sub"), site.directory.path("sub")) == 0)
        try site.directory.link("public/sub", to: site.directory.path("sub"))
        #expect(await site.get("/sub/a.txt").status == .notFound)
    }

    @Test func `A change is seen when the validity is over`() async throws {
        let site = try site(validity: .milliseconds(50))
        try site.write("one", to: "a.txt")
        #expect(try await site.get("/a.txt").text() == "one")
        try site.write("two", to: "a.txt")
        try await Task.sleep(for: .milliseconds(60))
        #expect(try await site.get("/a.txt").text() == "two")
    }

    @Test func `A file that was just changed, or that the future has, is not kept`() async throws {
        var options = FileOptions()
        options.cache?.validity = .seconds(3600)
        let site = try FileSite(options: options)
        try site.write("one", to: "a.txt")
        #expect(try await site.get("/a.txt").text() == "one")
        try overwrite(site.directory.path("public/a.txt"), "two")
        #expect(try await site.get("/a.txt").text() == "two")
        let future = try self.site(validity: .seconds(3600))
        try future.write("one", to: "a.txt")
        try future.directory.setModified("public/a.txt", seconds: Int(Date().timeIntervalSince1970) + 3600)
        _ = await future.get("/a.txt")
        #expect(try future.attempt("/a.txt") == nil)
    }

    @Test func `Large files, and any with the cache off, are read each time`() async throws {
        let site = try site(validity: .seconds(3600), largest: 10)
        try site.write(String(repeating: "x", count: 11), to: "large")
        try site.write(String(repeating: "x", count: 10), to: "small")
        _ = await (site.get("/large"), site.get("/small"))
        #expect(try site.attempt("/large") == nil)
        #expect(try site.attempt("/small") != nil)
        let off = try self.site { $0.cache = nil }
        try off.write("one", to: "a")
        _ = await off.get("/a")
        #expect(try off.attempt("/a") == nil)
    }

    @Test func `The cache stays within its capacity, and keeps what is used`() throws {
        let directory = try TemporaryDirectory()
        let cache = FileCache(
            options: FileCacheOptions(capacity: 20 * 2000, largestFile: 1000, validity: .seconds(9)))
        let file = try cachedFile(of: 900, in: directory)
        for number in 0..<1000 {
            cache.insert(file, for: "/\(number)", checked: .now)
            #expect(cache.cost <= 20 * 2000)
            // Asked for all the time.
            if number > 0 { #expect(cache.fresh("/0", now: .now) != nil, "\(number)") }
        }
        #expect(cache.cost > 18 * 1924)
        #expect(cache.fresh("/1", now: .now) == nil)
        #expect(cache.fresh("/999", now: .now) != nil)
        for number in 0..<1000 { cache.remove("/\(number)") }
        #expect(cache.cost == 0)
    }

    @Test func `What is larger than the capacity is not kept, and throws nothing out`() throws {
        let directory = try TemporaryDirectory()
        let cache = FileCache(
            options: FileCacheOptions(capacity: 3000, largestFile: 5000, validity: .seconds(9)))
        cache.insert(try cachedFile(of: 900, in: directory), for: "/a", checked: .now)
        cache.insert(try cachedFile(of: 4000, in: directory), for: "/b", checked: .now)
        #expect(cache.fresh("/a", now: .now) != nil)
        #expect(cache.fresh("/b", now: .now) == nil)
    }

    @Test func `Many threads may use it at once`() async throws {
        let directory = try TemporaryDirectory()
        let cache = FileCache(
            options: FileCacheOptions(capacity: 10_000, largestFile: 1000, validity: .seconds(9)))
        let file = try cachedFile(of: 100, in: directory)
        await withTaskGroup { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<2000 {
                        let key = "/\((number &* 7 &+ task) % 50)"
                        switch number % 5 {
                        case 0: cache.insert(file, for: key, checked: .now)
                        case 1: cache.remove(key)
                        default: _ = cache.fresh(key, now: .now)
                        }
                    }
                }
            }
        }
        #expect(cache.cost <= 10_000)
    }

    private func cachedFile(of size: Int, in directory: TemporaryDirectory) throws -> CachedFile {
        try directory.write([UInt8](repeating: 1, count: size), to: "file")
        let descriptor = try FileDescriptor.file(directory.path("file"))
        let found = FoundFile(["file"], OpenFile(descriptor: descriptor, status: try descriptor.status()))
        var options = FileCacheOptions(largestFile: size)
        options.settlingTime = -1
        let file = try CachedFile(
            reading: found, traits: FileTraits(mediaType: "text/plain"), options: options,
            now: Int64(Date().timeIntervalSince1970))
        return try #require(file)
    }

    private func overwrite(_ path: String, _ text: String) throws {
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }
}

extension FileSite {
    /// What is answered on the loop without a task; nil when that isn't possible.
    func attempt(_ target: String, _ headers: HTTPFields = [:]) throws -> Response? {
        let responder = Responder(scope: application.scope, logger: .silent)
        var request = Request(method: .get, target: target, headers: headers, loop: loop)
        guard case .answering(let handler) = responder.endpoint(for: &request).handler,
            case .now(let response) = try handler(request)
        else { return nil }
        return response
    }
}
