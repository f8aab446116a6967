/// Media types by file extension (RFC 9110 8.3.1), for what is served on the web. Text is UTF-8.
enum MediaType {
    /// What is not known: bytes, which a browser saves.
    static let unknown = "application/octet-stream"

    /// The type of a file by the extension of its name.
    /// - Parameter overrides: types by lower-case extension that go before the table.
    static func ofFile(named name: String, overrides: [String: String] = [:]) -> String {
        let parts = name.utf8.split(separator: FileByte.dot, omittingEmptySubsequences: false)
        guard parts.count > 1, let last = parts.last, !last.isEmpty else { return unknown }
        let key = String(decoding: last.map(lowercased), as: UTF8.self)
        return overrides[key] ?? table[key] ?? unknown
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }

    static let table: [String: String] = {
        var table: [String: String] = [:]
        for (type, extensions) in text { add("\(type); charset=utf-8", extensions, to: &table) }
        for (type, extensions) in binary { add(type, extensions, to: &table) }
        return table
    }()

    private static func add(_ type: String, _ extensions: String, to table: inout [String: String]) {
        for name in extensions.split(separator: " ") { table[String(name)] = type }
    }

    private static let text: [(type: String, extensions: String)] = [
        ("text/html", "html htm"),
        ("text/css", "css"),
        ("text/javascript", "js mjs cjs"),
        ("text/plain", "txt text log conf ini"),
        ("text/markdown", "md markdown"),
        ("text/csv", "csv"),
        ("text/tab-separated-values", "tsv"),
        ("text/calendar", "ics"),
        ("text/vcard", "vcf"),
        ("text/vtt", "vtt"),
        ("text/xml", "xml xsl xslt xsd"),
        ("text/yaml", "yaml yml"),
        ("image/svg+xml", "svg"),
        ("application/xhtml+xml", "xhtml"),
        ("application/rss+xml", "rss"),
        ("application/atom+xml", "atom"),
        ("application/mathml+xml", "mathml"),
        ("application/x-subrip", "srt"),
        ("application/sql", "sql"),
        ("application/toml", "toml"),
    ]

    // JSON has no charset parameter (RFC 8259 11): it is always UTF-8.
    private static let binary: [(type: String, extensions: String)] = [
        ("application/json", "json map"),
        ("application/json5", "json5"),
        ("application/jsonl", "jsonl ndjson"),
        ("application/ld+json", "jsonld"),
        ("application/geo+json", "geojson"),
        ("application/manifest+json", "webmanifest"),
        ("application/wasm", "wasm"),
        ("application/pdf", "pdf"),
        ("application/rtf", "rtf"),
        ("application/epub+zip", "epub"),
        ("application/msword", "doc"),
        ("application/vnd.ms-excel", "xls"),
        ("application/vnd.ms-powerpoint", "ppt"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
        ("application/vnd.oasis.opendocument.text", "odt"),
        ("application/vnd.oasis.opendocument.spreadsheet", "ods"),
        ("application/vnd.oasis.opendocument.presentation", "odp"),
        ("application/zip", "zip"),
        ("application/gzip", "gz tgz"),
        ("application/x-bzip2", "bz2"),
        ("application/x-xz", "xz"),
        ("application/zstd", "zst"),
        ("application/x-tar", "tar"),
        ("application/x-7z-compressed", "7z"),
        ("application/vnd.rar", "rar"),
        ("application/java-archive", "jar"),
        ("application/vnd.android.package-archive", "apk"),
        ("application/x-apple-diskimage", "dmg"),
        ("application/x-iso9660-image", "iso"),
        ("application/vnd.apple.mpegurl", "m3u8"),
        ("application/dash+xml", "mpd"),
        ("application/postscript", "ps eps ai"),
        ("application/x-sh", "sh"),
        ("image/png", "png"),
        ("image/apng", "apng"),
        ("image/jpeg", "jpg jpeg jfif"),
        ("image/gif", "gif"),
        ("image/webp", "webp"),
        ("image/avif", "avif"),
        ("image/heic", "heic"),
        ("image/heif", "heif"),
        ("image/jxl", "jxl"),
        ("image/bmp", "bmp"),
        ("image/tiff", "tif tiff"),
        ("image/x-icon", "ico cur"),
        ("font/woff", "woff"),
        ("font/woff2", "woff2"),
        ("font/ttf", "ttf"),
        ("font/otf", "otf"),
        ("font/collection", "ttc"),
        ("application/vnd.ms-fontobject", "eot"),
        ("audio/mpeg", "mp3"),
        ("audio/mp4", "m4a"),
        ("audio/aac", "aac"),
        ("audio/ogg", "ogg oga opus"),
        ("audio/flac", "flac"),
        ("audio/wav", "wav"),
        ("audio/webm", "weba"),
        ("audio/midi", "mid midi"),
        ("video/mp4", "mp4 m4v"),
        ("video/mpeg", "mpg mpeg"),
        ("video/webm", "webm"),
        ("video/ogg", "ogv"),
        ("video/quicktime", "mov"),
        ("video/x-msvideo", "avi"),
        ("video/x-matroska", "mkv"),
        ("video/mp2t", "ts m2ts"),
        ("video/3gpp", "3gp"),
        ("model/gltf+json", "gltf"),
        ("model/gltf-binary", "glb"),
        ("model/obj", "obj"),
        ("model/stl", "stl"),
    ]
}
