import ParleyHTTP
import ParleyWire

extension EngineSession {
    /// How a POST's content holds its payload.
    struct PayloadEncoding {
        /// A form's field (JSONP).
        var isForm = false
        /// The binary framing of Engine.IO 3.
        var isBinary = false
    }

    /// Takes a payload: a polling POST. Returns false when the session does not accept it, and is closed for it.
    func post(_ encoding: PayloadEncoding, _ content: () async throws -> [UInt8]) async throws -> Bool {
        switch state.withLock({ $0.beginPost() }) {
        case .refused: return false
        case .ignore: return true
        case .overlap:
            violate(EngineViolation.overlappingPosts, .transportError)
            return false
        case .proceed: break
        }
        defer { state.withLock { $0.endPost() } }
        let bytes = try await content()
        guard let payload = encoding.isForm ? EngineIOJSONP.payload(ofForm: bytes.span) : bytes else {
            violate(EngineViolation.formWithoutPayload)
            return false
        }
        guard payload.count <= options.maxPayload else {
            throw HTTPError(.contentTooLarge, "More than \(options.maxPayload) bytes in a payload")
        }
        do {
            try deliver(payload.span, encoding)
        } catch {
            violate(error)
            return false
        }
        await waitForInbound()
        return true
    }

    private func deliver(_ payload: Span<UInt8>, _ encoding: PayloadEncoding) throws(EngineIOError) {
        switch revision {
        case .four:
            var decoder = EngineIOPayloadDecoder(maximumPackets: options.maxPacketsPerPayload)
            while let packet = try decoder.next(payload), isOpen { deliver(packet, payload) }
        case .three:
            var decoder = EngineIO3PayloadDecoder(
                framing: encoding.isBinary ? .binary : .text, maximumPackets: options.maxPacketsPerPayload)
            while let packet = try decoder.next(payload), isOpen { deliver(packet, payload) }
        }
    }

    private func deliver(_ packet: EngineIOPacket, _ payload: Span<UInt8>) {
        switch packet {
        case .text(let type, let range): received(type, payload.extracting(range))
        case .binary(let bytes): received(binary: bytes)
        }
    }
}
