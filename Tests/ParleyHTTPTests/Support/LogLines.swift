import Logging
import ParleyTransport

/// What was logged, for tests to look at.
final class LogLines: Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: [String: String]
    }

    private let lines = Lock<[Line]>([])

    var all: [Line] { lines.withLock { $0 } }

    /// A logger whose lines come here.
    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    /// The lines, once there are so many.
    func wait(for count: Int) async throws -> [Line] {
        for _ in 0..<500 where all.count < count { try await Task.sleep(for: .milliseconds(10)) }
        return all
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let merged = metadata.merging(event.metadata ?? [:]) { $1 }.mapValues { "\($0)" }
            let line = Line(level: event.level, message: "\(event.message)", metadata: merged)
            lines.lines.withLock { $0.append(line) }
        }
    }
}
