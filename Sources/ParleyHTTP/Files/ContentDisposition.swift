/// The value of `Content-Disposition` (RFC 6266) that has a browser save a response under a name.
enum ContentDisposition {
    /// `attachment` with the name; what isn't ASCII is in `filename*` (RFC 8187), with a substitute for those who don't
    /// know it. Separators of paths and control characters become `_`.
    static func attachment(_ name: String) -> String {
        let safe = String(String.UnicodeScalarView(name.unicodeScalars.map(harmlessForm)))
        let plain = String(String.UnicodeScalarView(safe.unicodeScalars.map(plainForm)))
        let field = "attachment; filename=\"\(plain)\""
        guard !plain.utf8.elementsEqual(safe.utf8) else { return field }
        return field + "; filename*=UTF-8''" + PercentCoding.encode(safe, keeping: "!#$&+^`|")
    }

    private static func harmlessForm(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar {
        case "/", "\\", "\0"..."\u{1F}", "\u{7F}"..."\u{9F}": "_"
        // What turns the direction of writing can hide an extension.
        case "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}": "_"
        default: scalar
        }
    }

    /// RFC 6266 appendix D: no quotes, which some don't unescape, and no `%`, which some do.
    private static func plainForm(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        scalar.isASCII && scalar != "\"" && scalar != "%" ? scalar : "_"
    }
}
