import HTTPTypes
import Logging
import ParleyTransport

@testable import ParleyHTTP

/// An application that serves a temporary directory, called in memory.
struct FileSite: Sendable {
    let directory: TemporaryDirectory
    let application = Application(logger: .silent)
    private let group: EventLoopGroup

    var loop: EventLoop { group.next() }

    init(at mount: String = "/", options: FileOptions = FileOptions()) throws {
        directory = try TemporaryDirectory()
        try directory.directory("public")
        group = try EventLoopGroup(count: 1)
        application.files(mount, from: directory.path("public"), options: options)
    }

    /// Writes a file below the directory that is served.
    func write(_ text: String, to name: String) throws {
        try directory.write(text, to: "public/" + name)
    }

    func get(_ target: String, _ headers: HTTPFields = [:]) async -> Response {
        await request(.get, target, headers)
    }

    func request(
        _ method: HTTPRequest.Method, _ target: String, _ headers: HTTPFields = [:]
    ) async -> Response {
        await application.respond(
            to: Request(method: method, target: target, headers: headers, loop: loop))
    }
}

extension Response {
    /// The whole body; produced here when it is streamed.
    func bytes() async throws -> [UInt8] {
        switch body.content {
        case .empty, .upgrade: return []
        case .bytes(let bytes): return bytes
        case .text(let text): return Array(text.utf8)
        case .stream(_, let produce):
            let writer = CollectingWriter()
            try await produce(writer)
            return writer.collected
        }
    }

    func text() async throws -> String { String(decoding: try await bytes(), as: UTF8.self) }

    var isStreamed: Bool {
        if case .stream = body.content { true } else { false }
    }
}

/// Keeps what is written.
final class CollectingWriter: ResponseWriter {
    private let bytes = Lock<[UInt8]>([])
    private let onWrite: @Sendable ([UInt8]) throws -> Void

    init(_ onWrite: @escaping @Sendable ([UInt8]) throws -> Void = { _ in }) {
        self.onWrite = onWrite
    }

    var collected: [UInt8] { bytes.withLock { $0 } }

    func write(_ piece: [UInt8]) async throws {
        bytes.withLock { $0 += piece }
        try onWrite(piece)
    }

    func setTrailers(_ trailers: HTTPFields) async throws {}
}
