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

    /// Begins a polling POST, which ``endPost()`` ends. False when its content is of no interest any more, and nothing is begun.
    func beginPost() throws(EngineRefusal) -> Bool {
        switch state.withLock({ $0.beginPost() }) {
        case .proceed: return true
        case .ignore: return false
        case .refused: throw Self.refusedPayload
        case .overlap:
            violate(EngineViolation.overlappingPosts, .transportError)
            throw Self.refusedPayload
        }
    }

    func endPost() { state.withLock { $0.endPost() } }

    /// Takes the content of a POST. Throws where the session does not accept it, and is closed for it, or where it is too long.
    func take(_ content: [UInt8], _ encoding: PayloadEncoding) throws {
        guard let payload = encoding.isForm ? EngineIOJSONP.payload(ofForm: content.span) : content else {
            violate(EngineViolation.formWithoutPayload)
            throw Self.refusedPayload
        }
        guard payload.count <= options.maxPayload else {
            throw HTTPError(.contentTooLarge, "More than \(options.maxPayload) bytes in a payload")
        }
        do throws(EngineIOError) {
            try deliver(payload.span, encoding)
        } catch {
            violate(error)
            throw Self.refusedPayload
        }
    }

    private static var refusedPayload: EngineRefusal { .badRequest("PAYLOAD") }

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
