import ParleyWire

extension DirectoryListing {
    static let htmlType = "text/html; charset=utf-8"

    /// The page needs nothing but its own style sheet, which is named by its hash.
    static let contentSecurityPolicy =
        "default-src 'none'; style-src 'sha256-\(styleHash)'; base-uri 'none'; form-action 'none'"

    static let style =
        "body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
        + "table{border-collapse:collapse;width:100%}td,th{padding:.2rem 1rem .2rem 0;text-align:left}"
        + "td+td,th+th{white-space:nowrap}:root{color-scheme:light dark}"

    /// The SHA-256 of ``style`` in base64.
    private static let styleHash = "1ZR5hBH0Wvt5k2EeOz7Yt5GYtya+bBQ6SIaQm5ks/CY="

    var html: String {
        let title = "Index of " + Self.escapedHTML(path)
        var page = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        page += "<meta name=\"viewport\" content=\"width=device-width\"><title>\(title)</title>"
        page += "<style>\(Self.style)</style></head>\n<body><h1>\(title)</h1>\n<table>"
        page += "<thead><tr><th>Name</th><th>Size</th><th>Modified</th></tr></thead>\n<tbody>\n"
        if !isRoot { page += "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n" }
        for entry in entries { page += Self.row(entry) }
        page += "</tbody></table>\n"
        if isTruncated { page += "<p>The directory has more than this.</p>\n" }
        return page + "</body></html>\n"
    }

    private static func row(_ entry: Entry) -> String {
        let slash = entry.type == .directory ? "/" : ""
        // The dot: a name with a colon would be taken for a URL with a scheme (RFC 3986 4.2).
        let link = "./" + PercentCoding.encode(entry.name) + slash
        let size = entry.size.map { String($0) } ?? ""
        let modified = HTTPDate.string(Int64(entry.modified.timeIntervalSince1970))
        return "<tr><td><a href=\"\(link)\">\(escapedHTML(entry.name + slash))</a></td>"
            + "<td>\(size)</td><td>\(modified)</td></tr>\n"
    }

    /// A text in HTML, within elements as within attributes. By scalars: a combining mark behind a `<` makes another
    /// `Character` of it.
    static func escapedHTML(_ text: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
            case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
            case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
            case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}
