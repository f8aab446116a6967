import Foundation
import Testing

@testable import ParleyHTTP

/// Opening beneath the root: what a link, a special file or a race can't get around.
@Suite struct FileWalkTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write("secret", to: "outside/secret.txt")
        try directory.write("hello", to: "root/hello.txt")
        try directory.write("deep", to: "root/a/b/deep.txt")
    }

    private func open(_ names: String..., root: String = "root") throws -> OpenFile {
        var walk = try FileWalk(root: directory.path(root))
        return try walk.open(names)
    }

    private func text(_ names: String..., root: String = "root") throws -> String {
        var walk = try FileWalk(root: directory.path(root))
        let file = try walk.open(names)
        return String(decoding: try file.descriptor.read(Int(file.status.size), from: 0), as: UTF8.self)
    }

    @Test func `Files are found in the root and below`() throws {
        #expect(try text("hello.txt") == "hello")
        #expect(try text("a", "b", "deep.txt") == "deep")
        #expect(try open("a", "b").status.kind == .directory)
        #expect(try open().status.kind == .directory)
    }

    @Test func `A walk goes on from the directory that it found`() throws {
        var walk = try FileWalk(root: directory.path("root"))
        #expect(try walk.open(["a"]).status.kind == .directory)
        #expect(try walk.open(["b", "deep.txt"]).status.size == 4)
    }

    @Test func `What is absent, and names across a file, are not found`() {
        for names in [
            ["nothing"], ["nothing", "x"], ["hello.txt", "x"], [String(repeating: "x", count: 300)],
        ] {
            #expect { _ = try open(names) } throws: { ($0 as? FileError)?.isAbsence == true }
        }
    }

    private func open(_ names: [String]) throws -> OpenFile {
        var walk = try FileWalk(root: directory.path("root"))
        return try walk.open(names)
    }

    @Test func `Links that stay inside are followed`() throws {
        try directory.link("root/file", to: "hello.txt")
        try directory.link("root/directory", to: "a/./b/")
        try directory.link("root/a/b/up", to: "../../hello.txt")
        try directory.link("root/chain", to: "directory/up")
        try directory.link("root/absolute", to: directory.path("root/hello.txt"))
        try directory.link("root/a/b/top", to: directory.path("root"))
        #expect(try text("file") == "hello")
        #expect(try text("directory", "deep.txt") == "deep")
        #expect(try text("a", "b", "up") == "hello")
        #expect(try text("chain") == "hello")
        #expect(try text("absolute") == "hello")
        #expect(try text("a", "b", "top", "a", "b", "deep.txt") == "deep")
    }

    @Test(arguments: [
        "../outside/secret.txt", "../outside", "..", "../root/hello.txt", "a/../../outside/secret.txt",
        "/etc/passwd", "/", "/proc/self/root", "ABSOLUTE/outside/secret.txt", "ABSOLUTE/root-not/x",
        "ABSOLUTE/root/../outside/secret.txt", "hello.txt/", "hello.txt/../hello.txt",
    ])
    func `Links that lead out, even if they came back in, are not`(target: String) throws {
        try directory.directory("root-not")
        try directory.write("x", to: "root-not/x")
        let target = target.replacingOccurrences(of: "ABSOLUTE", with: directory.path)
        try directory.link("root/link", to: target)
        try directory.link("root/a/link", to: "../link")
        for names in [["link"], ["link", "secret.txt"], ["a", "link"], ["a", "link", "secret.txt"]] {
            #expect { _ = try open(names) } throws: { ($0 as? FileError)?.isAbsence == true }
        }
    }

    @Test func `Links in circles end`() throws {
        try directory.link("root/self", to: "self")
        try directory.link("root/one", to: "two")
        try directory.link("root/two", to: "one/x")
        for names in [["self"], ["self", "x"], ["one"], ["two"]] {
            #expect { _ = try open(names) } throws: { ($0 as? FileError)?.isAbsence == true }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `A FIFO that nobody writes to does not block, and is not found`()
        throws
    {
        try directory.fifo("root/fifo")
        try directory.link("root/null", to: "/dev/null")
        for names in [["fifo"], ["fifo", "x"], ["null"]] {
            #expect { _ = try open(names) } throws: { ($0 as? FileError)?.isAbsence == true }
        }
    }

    @Test func `Devices are not found`() throws {
        var walk = try FileWalk(root: "/dev")
        #expect(throws: FileError.notFound) { try walk.open(["null"]) }
    }

    @Test func `The root may be a link, and is looked for at each walk`() throws {
        try directory.write("one", to: "releases/1/version")
        try directory.write("two", to: "releases/2/version")
        try directory.link("current", to: "releases/1")
        #expect(try text("version", root: "current") == "one")
        try FileManager.default.removeItem(atPath: directory.path("current"))
        #expect { _ = try open("version", root: "current") } throws: {
            guard case .noRoot = $0 as? FileError else { return false }
            return true
        }
        try directory.link("current", to: "releases/2")
        try directory.link("releases/2/link", to: directory.path("current/version"))
        try directory.link("releases/2/canonical", to: directory.path("releases/2/version"))
        #expect(try text("version", root: "current") == "two")
        #expect(try text("link", root: "current") == "two")
        #expect(try text("canonical", root: "current") == "two")
    }

    @Test func `A walk closes what it opened`() throws {
        let names = ["root", "root/a", "root/a/b", "root/a/b/deep.txt"]
        func openDescriptors() -> [Int] { names.map { descriptorsOpen(on: directory.path($0)) ?? 0 } }
        do {
            let file = try open("a", "b", "deep.txt")
            #expect(descriptorsOpen(on: directory.path("root/a/b/deep.txt")) ?? 1 == 1)
            #expect(try file.descriptor.status().size == 4)
        }
        _ = try? open("a", "b", "nothing")
        #expect(openDescriptors() == [0, 0, 0, 0])
    }

    @Test func `Reading beyond the end fails`() throws {
        let file = try open("hello.txt")
        #expect(try file.descriptor.read(3, from: 2) == Array("llo".utf8))
        #expect(throws: FileError.shrunk) { try file.descriptor.read(4, from: 2) }
        #expect(throws: FileError.shrunk) { try file.descriptor.read(1, from: 1 << 40) }
        #expect(try file.descriptor.read(0, from: 5) == [])
    }

    @Test func `The entity tag changes with size, time and file, and with nothing else`() throws {
        func tag() throws -> String {
            try open("hello.txt").status.validators(now: 2_000_000_000).entityTag.fieldValue
        }
        try directory.setModified("root/hello.txt", seconds: 1_000_000_000, nanoseconds: 1)
        let first = try tag()
        #expect(try tag() == first)
        #expect(first.utf8.count == 18)
        try directory.setModified("root/hello.txt", seconds: 1_000_000_000, nanoseconds: 2)
        let second = try tag()
        try directory.truncate("root/hello.txt", to: 6)
        try directory.setModified("root/hello.txt", seconds: 1_000_000_000, nanoseconds: 2)
        let third = try tag()
        try directory.write("hello!", to: "root/other.txt")
        _ = rename(directory.path("root/other.txt"), directory.path("root/hello.txt"))
        try directory.setModified("root/hello.txt", seconds: 1_000_000_000, nanoseconds: 2)
        #expect(Set([first, second, third, try tag()]).count == 4)
    }

    @Test func `A modification in the future is reported as of now`() throws {
        try directory.setModified("root/hello.txt", seconds: 2_000_000_000)
        let status = try open("hello.txt").status
        #expect(status.validators(now: 1_900_000_000).lastModified == 1_900_000_000)
        #expect(status.validators(now: 2_100_000_000).lastModified == 2_000_000_000)
    }
}
