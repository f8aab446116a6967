/// The media types that compressing makes smaller: text in all its forms. Images, sound, video and archives are compressed
/// already.
public enum CompressibleTypes {
    /// True for `text/*`, JSON, XML, JavaScript, WebAssembly, SVG, fonts that aren't WOFF and the like. Takes a media type
    /// in lower case and without parameters.
    public static func contains(_ mediaType: String) -> Bool {
        mediaType.hasPrefix("text/") || mediaType.hasSuffix("+json") || mediaType.hasSuffix("+xml")
            || mediaType.hasSuffix("+text") || others.contains(mediaType)
    }

    private static let others: Set<String> = [
        "application/json", "application/json5", "application/jsonl", "application/x-ndjson",
        "application/xml", "application/javascript", "application/x-javascript", "application/ecmascript",
        "application/wasm", "application/graphql", "application/sql", "application/toml", "application/yaml",
        "application/x-yaml", "application/rtf", "application/postscript", "application/x-sh",
        "application/x-subrip", "application/vnd.apple.mpegurl", "application/x-www-form-urlencoded",
        "application/vnd.ms-fontobject", "font/ttf", "font/otf", "font/collection", "image/bmp",
        "image/x-icon", "image/vnd.microsoft.icon", "application/msgpack", "application/cbor",
        "application/x-protobuf", "application/protobuf",
    ]

    /// The media type of a `Content-Type`, in lower case and without its parameters.
    static func name(_ field: String) -> String {
        let name = field.utf8.prefix { $0 != 0x3B }
        return Substring(name).trimmingBlanks.lowercased()
    }
}
