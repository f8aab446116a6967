import HTTPTypes
import ParleyHTTP
import ParleyWire

/// How a polling session's payloads look: a matter of its handshake, and for JSONP of each request.
struct EnginePayloadForm: Sendable {
    let revision: EngineIORevision
    /// Whether an Engine.IO 3 client takes binary payloads; it says that it doesn't by `b64`.
    let takesBinary: Bool

    /// The content of a GET's answer.
    struct Content {
        var bytes: [UInt8] = []
        var isBinary = false
    }

    /// The answer to a GET.
    func response(
        to outcome: EngineSessionState.PollOutcome, jsonp: Int?
    ) throws(EngineRefusal) -> Response {
        switch outcome {
        case .packets(let frames): return encode(frames, jsonp: jsonp)
        case .refused: throw .badRequest("POLL")
        }
    }

    func encode(_ frames: [EngineFrame], jsonp: Int?) -> Response {
        let content = content(frames, asText: jsonp != nil)
        guard let jsonp else {
            return Response(headers: content.isBinary ? Self.binary : Self.text, body: .bytes(content.bytes))
        }
        var script: [UInt8] = []
        script.reserveCapacity(content.bytes.count + 32)
        EngineIOJSONP.append(payload: content.bytes.span, index: jsonp, to: &script)
        return Response(headers: Self.script, body: .bytes(script))
    }

    private static let text = HTTPFields(engineAnswerOf: "text/plain; charset=UTF-8")
    private static let binary = HTTPFields(engineAnswerOf: "application/octet-stream")
    private static let script = HTTPFields(engineAnswerOf: "text/javascript; charset=UTF-8").protectingScripts

    private func content(_ frames: [EngineFrame], asText: Bool) -> Content {
        var content = Content()
        content.bytes.reserveCapacity(frames.reduce(0) { $0 + $1.webSocket.count })
        guard revision == .three else {
            appendEngineIO4(frames, to: &content.bytes)
            return content
        }
        content.isBinary = takesBinary && !asText && frames.contains { $0.asksForBinaryFraming }
        for frame in frames {
            if content.isBinary {
                EngineIO3PayloadEncoder.append(
                    framed: frame.webSocket.span.extracting(droppingFirst: frame.payloadStart),
                    isBinary: frame.isBinary, to: &content.bytes)
            } else {
                frame.appendEngineIO3TextPacket(to: &content.bytes)
            }
        }
        return content
    }

    private func appendEngineIO4(_ frames: [EngineFrame], to output: inout [UInt8]) {
        for (index, frame) in frames.enumerated() {
            if index > 0 { output.append(EngineIOPayloadDecoder.separator) }
            frame.appendPollingPacket(to: &output)
        }
    }
}

extension EngineFrame {
    fileprivate var asksForBinaryFraming: Bool {
        isBinary
            || !EngineIO3PayloadEncoder.isUnambiguous(
                webSocket.span.extracting(droppingFirst: payloadStart))
    }

    fileprivate func appendEngineIO3TextPacket(to output: inout [UInt8]) {
        let packet = webSocket.span.extracting(droppingFirst: payloadStart)
        if isBinary {
            EngineIO3PayloadEncoder.append(base64: packet.extracting(droppingFirst: 1), to: &output)
        } else {
            EngineIO3PayloadEncoder.append(text: packet, to: &output)
        }
    }
}

extension HTTPFields {
    /// With the fields of an answer that a page loads as a script: browsers guess no other type, and no old filter
    /// mistakes what the page sent for an attack when it comes back.
    var protectingScripts: HTTPFields {
        var fields = self
        fields[.xContentTypeOptions] = "nosniff"
        if let name = HTTPField.Name("X-XSS-Protection") { fields[name] = "0" }
        return fields
    }
}
