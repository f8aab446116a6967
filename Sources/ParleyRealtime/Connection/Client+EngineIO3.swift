import ParleyTransport
import ParleyWire

/// What Socket.IO 1.x and 2.x clients (protocol revisions 3 and 4) need otherwise than later ones.
extension Client {
    /// These clients are in the root namespace without asking for it; its middleware runs all the same.
    func opened() {
        guard session.revision == .three else { return }
        do {
            try join("/", auth: .null, query: nil)
        } catch {
            violate(error)
        }
    }

    /// Some of them ask for the root namespace all the same, which Node's server lets pass.
    func joinByName(_ name: String, _ query: String?) throws {
        guard name != "/" || !isInRoot else { return }
        try join(name, auth: .null, query: query)
    }

    /// These clients compute a socket's id from the session's; others are told one that says nothing about it.
    func socketID(in namespace: Namespace) -> String {
        guard session.revision == .three else { return Identifier.make() }
        return namespace.name == "/" ? session.id : namespace.name + "#" + session.id
    }

    func refusal(_ error: ConnectError, of namespace: String) -> EncodedPacket {
        session.revision == .three
            ? .error(error, namespace: namespace, parser: parser)
            : .refused(error, namespace: namespace, parser: parser)
    }
}

extension EncodedPacket {
    /// CONNECT without content: the client knows its id.
    static func engineIO3Connected(_ namespace: Namespace) -> EncodedPacket {
        var writer = PacketWriter(.connect, namespace: namespace.name, parser: namespace.parser)
        return writer.finish()
    }

    /// ERROR: the error's data where it has some, else its message as a string.
    static func error(_ error: ConnectError, namespace: String, parser: PacketParser) -> EncodedPacket {
        var writer = PacketWriter(.connectError, namespace: namespace, parser: parser)
        let json = (try? error.dataOrMessage()) ?? Array(#""error""#.utf8)
        writer.bytes.append(contentsOf: json)
        return writer.finish()
    }

    /// The packet in the form that Engine.IO 3 has.
    var forEngineIO3: EncodedPacket {
        guard frame.isBinary || !attachments.isEmpty else { return self }
        let frame = frame.isBinary ? EngineIO3Attachments.encode([frame])[0] : frame
        return EncodedPacket(
            frame: frame,
            attachments: engineIO3?.frames(of: attachments) ?? EngineIO3Attachments.encode(attachments))
    }
}

/// The attachments of a packet for Engine.IO 3 clients, made for the first of its recipients that is one.
final class EngineIO3Attachments: Sendable {
    private let frames = Lock<[EngineFrame]?>(nil)

    func frames(of attachments: [EngineFrame]) -> [EngineFrame] {
        frames.withLock { frames in
            if let frames { return frames }
            let encoded = Self.encode(attachments)
            frames = encoded
            return encoded
        }
    }

    static func encode(_ attachments: [EngineFrame]) -> [EngineFrame] {
        attachments.map { frame in
            var packet = EngineFrame(
                engineIO3Binary: frame.webSocket.span.extracting(droppingFirst: frame.payloadStart))
            packet.isCompressible = frame.isCompressible
            return frame.shared == nil ? packet : packet.forBroadcast()
        }
    }
}

extension SocketIOPacketHead {
    /// Takes the query off the name of the namespace (`/admin?token=x`), and returns it. Only a CONNECT has use for it, but
    /// some clients put it into all their packets.
    ///
    /// - Throws: what is left of the name is longer than its limit.
    mutating func splitNamespace(
        _ packet: Span<UInt8>, _ limits: SocketIOLimits
    ) throws(SocketIOError) -> String? {
        guard let name = namespace else { return nil }
        let mark = name.first { packet[$0] == UInt8(ascii: "?") } ?? name.upperBound
        guard mark - name.lowerBound <= limits.namespaceBytes else {
            throw .limit("namespace of more than \(limits.namespaceBytes) bytes")
        }
        namespace = mark - name.lowerBound > 1 ? name.lowerBound..<mark : nil
        guard mark < name.upperBound else { return nil }
        return packet.extracting((mark + 1)..<name.upperBound).withUnsafeBufferPointer {
            String(decoding: $0, as: UTF8.self)
        }
    }
}

extension SocketIOLimits {
    /// In the packets of old clients the name of a namespace carries its query.
    func forRevision(_ revision: EngineIORevision) -> SocketIOLimits {
        guard revision == .three else { return self }
        var limits = self
        let (sum, overflow) = namespaceBytes.addingReportingOverflow(namespaceQueryBytes)
        limits.namespaceBytes = overflow ? .max : sum
        return limits
    }
}
