import Foundation
import Parley

/// Waits for SIGTERM or SIGINT, and stops the server.
func stopOnSignal(_ server: RunningServer, deadline: Duration) async throws {
    let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
    let sources = [SIGTERM, SIGINT].map { number in
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { continuation.yield(number) }
        source.resume()
        return source
    }
    for await _ in signals { break }
    for source in sources { source.cancel() }
    await server.shutdown(deadline: deadline)
}
