import Foundation
import Testing

@testable import ParleyTransport

/// A TLS server that records its events, and the peers that none of us wrote: Python's `ssl` and `openssl s_client`.
struct TLSServer {
    let certificates: TestCertificates
    let context: TLSContext
    let server: Server
    var port: UInt16 { server.port }
    var accepted: Accepted { server.accepted }

    static func start(
        on group: EventLoopGroup, options: TCPListenerOptions = TCPListenerOptions(),
        identities: [String] = ["one", "two"],
        configure: @escaping @Sendable (RecordingHandler, any ByteStream) -> Void = { _, _ in },
        change: (inout TLSConfiguration, TestCertificates) -> Void = { _, _ in }
    ) async throws -> TLSServer {
        let certificates = try TestCertificates.shared.get()
        var configuration = TLSConfiguration(identities: identities.map { certificates.identity($0) })
        change(&configuration, certificates)
        let context = try TLSContext(configuration)
        var options = options
        options.tls = context
        let server = try await Server.start(on: group, options: options, configure: configure)
        return TLSServer(certificates: certificates, context: context, server: server)
    }

    /// The outcome of a Python program that connects with `connect(...)`: what it printed.
    func python(_ program: String) async throws -> String {
        let command = Command("python3", ["-c", prelude + program, "\(port)"], in: certificates.directory)
        let outcome = try await blocking { try command.run() }
        guard outcome.status == 0 else { throw CommandFailure(text: outcome.errors) }
        return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The outcome of `openssl s_client` that sends a text: everything that it printed.
    func sClient(_ arguments: String..., input: String = "") async throws -> String {
        let command = Command(
            "openssl", ["s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", "ca.pem"] + arguments,
            in: certificates.directory)
        let outcome = try await blocking { try command.run(input: input) }
        return outcome.output + outcome.errors
    }

    /// The stream of the n-th connection whose handshake was done.
    func stream(_ index: Int = 0) async throws -> (any ByteStream, RecordingHandler) {
        try await eventually { accepted.all.count > index }
        return (accepted.all[index], accepted.allHandlers[index])
    }

    func session(_ index: Int = 0) async throws -> TLSSession {
        let (stream, _) = try await stream(index)
        return try #require(try await stream.loop.run { stream.tls })
    }
}

private let prelude = """
    import hashlib, os, select, socket, ssl, sys, threading, time
    port = int(sys.argv[1])

    def context(alpn=None, cert=None, version=None):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.load_verify_locations('ca.pem')
        if alpn: made.set_alpn_protocols(alpn)
        if cert: made.load_cert_chain(cert + '.pem', cert + '.key')
        if version: made.minimum_version = made.maximum_version = version
        return made

    def dial(buffer=None):
        raw = socket.socket()
        if buffer: raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        raw.settimeout(60)
        raw.connect(('127.0.0.1', port))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return raw

    def connect(name='one.example', buffer=None, using=None, session=None, **options):
        return (using or context(**options)).wrap_socket(
            dial(buffer), server_hostname=name, suppress_ragged_eofs=False, session=session)

    def exactly(stream, count):
        parts = []
        while count > 0:
            part = stream.recv(min(count, 65536))
            if not part: break
            parts.append(part)
            count -= len(part)
        return b''.join(parts)

    def names(stream):
        return ','.join(value for kind, value in stream.getpeercert()['subjectAltName'])

    def outcome(body):
        try: return body()
        except ssl.SSLError as error: return error.reason or error.args[1].split(' (')[0]
        except OSError as error: return type(error).__name__

    class Memory:
        'A client without a socket of its own: it sees the records.'
        def __init__(self, name='one.example', raw=None, **options):
            self.raw = raw or dial()
            self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = context(**options).wrap_bio(self.incoming, self.outgoing, server_hostname=name)
            self.records, self.partial = [], b''

        def send_pending(self, size=None):
            data = self.outgoing.read()
            for start in range(0, len(data), size or len(data) or 1):
                self.raw.sendall(data[start:start + (size or len(data))])

        def feed(self):
            data = self.raw.recv(65536)
            if not data: self.incoming.write_eof()
            self.incoming.write(data)
            self.partial += data
            while len(self.partial) >= 5:
                length = 5 + int.from_bytes(self.partial[3:5], 'big')
                if len(self.partial) < length: break
                self.records.append(self.partial[0])
                self.partial = self.partial[length:]

        def run(self, step, size=None):
            while True:
                try:
                    result = step()
                    self.send_pending(size)
                    return result
                except ssl.SSLWantReadError:
                    self.send_pending(size)
                    self.feed()

        def exchange(self, data, count):
            '''Sends data and receives count bytes at once, on one thread: an SSL object does not bear two.'''
            self.run(self.tls.do_handshake)
            self.raw.setblocking(False)
            received, unsent, offset = [], b'', 0
            while count > 0 or unsent or offset < len(data):
                if not unsent and offset < len(data):
                    offset += self.tls.write(data[offset:offset + 65536])
                    unsent = self.outgoing.read()
                wanting = [self.raw] if unsent else []
                readable, writable, _ = select.select([self.raw], wanting, [], 60)
                if not readable and not writable: raise TimeoutError
                if writable: unsent = unsent[self.raw.send(unsent):]
                if not readable: continue
                self.feed()
                try:
                    while True:
                        part = self.tls.read(65536)
                        if not part: return b''.join(received)
                        received.append(part)
                        count -= len(part)
                except ssl.SSLWantReadError: pass
            return b''.join(received)


    """
