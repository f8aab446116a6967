import Foundation
import Testing

/// The descriptors of this process that are open on a file, by its path; nil where the system can't tell.
func descriptorsOpen(on path: String) -> Int? {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") else {
        return nil
    }
    return names.count { name in
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + name)) == path
    }
}

/// Waits until nothing of this process is open on a file any more.
func expectClosed(_ path: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    for _ in 0..<500 where descriptorsOpen(on: path) ?? 0 > 0 {
        try await Task.sleep(for: .milliseconds(10))
    }
    #expect(descriptorsOpen(on: path) ?? 0 == 0, sourceLocation: sourceLocation)
}

/// The memory of this process that is resident, in bytes; nil where the system can't tell.
func residentMemory() -> Int? {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
    return text.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 4096 }
}
