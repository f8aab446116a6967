import ParleyWire

/// The form of an error's page.
public enum ErrorPageFormat: Sendable, CaseIterable {
    /// `application/problem+json` (RFC 9457), for clients that ask for JSON too.
    case problem
    /// A small page without scripts or styles from elsewhere.
    case html
    /// The message.
    case text

    var mediaType: String {
        switch self {
        case .problem: "application/problem+json"
        case .html: "text/html; charset=utf-8"
        case .text: "text/plain; charset=utf-8"
        }
    }

    private var names: [String] {
        switch self {
        case .problem: ["application/problem+json", "application/json", "application/*"]
        case .html: ["text/html", "application/xhtml+xml"]
        case .text: ["text/plain", "text/*"]
        }
    }

    /// The form that `Accept` names with the highest weight (RFC 9110 12.5.1), the first of several; nil for a client that names
    /// none of them.
    static func preferred(by accept: String?) -> ErrorPageFormat? {
        guard let accept else { return nil }
        let list = WeightedList(accept)
        var best: (format: ErrorPageFormat, weight: Int)?
        for format in allCases {
            let weights = list.elements.filter { format.names.contains($0.name) }.map(\.weight)
            guard let weight = weights.max(), weight > (best?.weight ?? 0) else { continue }
            best = (format, weight)
        }
        return best?.format
    }

    func content(of page: ErrorPage) -> [UInt8] {
        switch self {
        case .problem: Self.problem(page)
        case .html: Array(Self.html(page).utf8)
        case .text: Array(page.message.utf8)
        }
    }

    private static func problem(_ page: ErrorPage) -> [UInt8] {
        let document = ProblemDocument(
            title: page.title, status: page.status.code, detail: page.message, requestId: page.requestID)
        var bytes: [UInt8] = []
        // Strings and a number can be encoded.
        try? JSON.encode(document, into: &bytes)
        return bytes
    }

    private static func html(_ page: ErrorPage) -> String {
        let title = HTMLText.escaped("\(page.status.code) \(page.title)")
        let detail = page.message == page.status.reasonPhrase ? "" : "<p>\(page.escapedMessage)</p>\n"
        let id = page.requestID.map { "<p><small>\(HTMLText.escaped($0))</small></p>\n" } ?? ""
        return """
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><title>\(title)</title></head>
            <body>
            <h1>\(title)</h1>
            \(detail)\(id)</body>
            </html>

            """
    }
}

/// A problem that the status says everything about (RFC 9457 3.1, 4.2.1).
private struct ProblemDocument: Encodable {
    var type = "about:blank"
    var title: String
    var status: Int
    var detail: String
    var requestId: String?
}

/// Text within HTML.
enum HTMLText {
    /// The text with `&`, `<`, `>` and both quotes escaped, so that it may stand in an element or an attribute.
    static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case 0x26: bytes += Array("&amp;".utf8)
            case 0x3C: bytes += Array("&lt;".utf8)
            case 0x3E: bytes += Array("&gt;".utf8)
            case 0x22: bytes += Array("&quot;".utf8)
            case 0x27: bytes += Array("&#39;".utf8)
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
