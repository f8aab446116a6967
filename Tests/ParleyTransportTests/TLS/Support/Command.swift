import Foundation

/// A program of the system, run to its end.
struct Command: Sendable {
    struct Outcome: Sendable {
        let status: Int32
        let output: String
        let errors: String
    }
    private let arguments: [String]
    private let directory: URL?

    init(_ program: String, _ arguments: [String], in directory: URL? = nil) {
        self.arguments = [program] + arguments
        self.directory = directory
    }

    /// Blocks until the program has ended.
    func run(input: String = "") throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.currentDirectoryURL = directory
        let (standardInput, output, errors) = (Pipe(), Pipe(), Pipe())
        process.standardInput = standardInput
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        standardInput.fileHandleForWriting.write(Data(input.utf8))
        try standardInput.fileHandleForWriting.close()
        let collected = Lines()
        // Both at once, so that neither fills its pipe while the other is waited for.
        let reader = RawThread { collected.errors = errors.fileHandleForReading.readDataToEndOfFile() }
        let text = output.fileHandleForReading.readDataToEndOfFile()
        reader.join()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: collected.errors, as: UTF8.self))
    }

    /// Sound as `Sendable`: written by one thread, and read when that has been joined.
    private final class Lines: @unchecked Sendable {
        var errors = Data()
    }
}
