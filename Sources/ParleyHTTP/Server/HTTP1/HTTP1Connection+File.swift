import ParleyTransport

// Files sent by the kernel from their cache to the socket (sendfile(2)), in clear text only.
extension HTTP1Connection {
    func beginFile(_ length: UInt64, exchange number: UInt64) throws(ResponseWriterError) -> FileSocket? {
        guard exchange?.number == number, case .length = exchange?.body?.framing else {
            throw .connectionClosed
        }
        guard let tcp = stream as? TCPConnection, let count = Int(exactly: length),
            let descriptor = tcp.duplicateDescriptor()
        else { return nil }
        let socket = FileSocket(owning: descriptor)
        guard exchange?.body?.progress.add(count) == true else {
            abandon()
            stream.reset()
            throw .lengthExceeded
        }
        return socket
    }

    func settle(_ piece: [UInt8], exchange number: UInt64, _ waiter: UnsafeContinuation<Void, any Error>) {
        guard exchange?.number == number, exchange?.body != nil, exchange?.body?.progress.settling == nil,
            let tcp = stream as? TCPConnection
        else { return waiter.resume(throwing: ResponseWriterError.connectionClosed) }
        stream.send(shared: piece)
        exchange?.body?.progress.settling = waiter
        // Not resumed by `becameWritable`: what is sent next must not pass anything that still waits. When the connection
        // ends before, `abandon` resumes it.
        tcp.whenDrained { [weak self] in
            guard let self, self.exchange?.number == number else { return }
            self.exchange?.body?.progress.takeSettling()?.resume()
        }
    }
}
