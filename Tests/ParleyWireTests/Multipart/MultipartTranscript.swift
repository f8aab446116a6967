import Testing

@testable import ParleyWire

/// What a decoder makes of a body that comes in pieces, content joined.
struct MultipartTranscript: Equatable, CustomStringConvertible {
    struct Part: Equatable {
        var fields: [String]
        var content: [UInt8] = []
        var isComplete = false
    }

    var parts: [Part] = []
    var isEnded = false
    var rule: String?

    var description: String {
        parts.map {
            "\($0.fields) \(String(decoding: $0.content, as: UTF8.self).debugDescription) \($0.isComplete)"
        }
        .joined(separator: "\n") + "\nended: \(isEnded) rule: \(rule ?? "none")"
    }

    /// The texts of the parts.
    var texts: [String] { parts.map { String(decoding: $0.content, as: UTF8.self) } }

    init(_ pieces: [ArraySlice<UInt8>], boundary: String = "b", limits: MultipartLimits = MultipartLimits()) {
        guard var decoder = try? MultipartDecoder(boundary: boundary, limits: limits) else {
            rule = "boundary"
            return
        }
        for piece in pieces where !decode(Array(piece), &decoder) { return }
        if let error = decoder.finish() { rule = error.rule }
    }

    /// False when it failed.
    private mutating func decode(_ input: [UInt8], _ decoder: inout MultipartDecoder) -> Bool {
        var offset = 0
        while true {
            switch decoder.next(input.span, at: &offset) {
            case .part(let fields): parts.append(Part(fields: fields.map { "\($0.name): \($0.value)" }))
            case .content(let range): parts[parts.count - 1].content += input[range]
            case .held(let range): parts[parts.count - 1].content += decoder.delimiter[range]
            case .endOfPart: parts[parts.count - 1].isComplete = true
            case .end: isEnded = true
            case .needMore: return offset == input.count
            case .failure(let error):
                rule = error.rule
                return false
            }
        }
    }

    /// The transcript of a body that must be the same whole, byte by byte, and cut in two anywhere.
    static func ofAnyCut(_ text: String, limits: MultipartLimits = MultipartLimits()) -> MultipartTranscript {
        let bytes = Array(text.utf8)
        let whole = MultipartTranscript([bytes[...]], limits: limits)
        let single = MultipartTranscript(bytes.indices.map { bytes[$0...$0] }, limits: limits)
        #expect(whole == single, "byte by byte: \(text.debugDescription)")
        for cut in bytes.indices.prefix(400) {
            #expect(
                whole == MultipartTranscript([bytes[..<cut], bytes[cut...]], limits: limits), "cut at \(cut)")
        }
        return whole
    }
}
