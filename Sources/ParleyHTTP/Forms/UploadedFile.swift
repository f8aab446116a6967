/// A file of a form, held in memory. What is large is better taken as a stream (``Request/multipart(_:)``).
///
/// As a property of a type that a form is decoded into it is the file of that field.
public struct UploadedFile: Sendable, Equatable, Codable {
    /// The name that the client gave it: not to be trusted. See ``safeFilename``.
    public var filename: String
    /// The media type that the client gave it; nil when it gave none.
    public var contentType: String?
    /// The bytes.
    public var content: [UInt8]

    /// A file.
    public init(filename: String, contentType: String? = nil, content: [UInt8]) {
        self.filename = filename
        self.contentType = contentType
        self.content = content
    }

    /// The name without what a file system could make something else of; nil when nothing is left. See ``Filename``.
    public var safeFilename: String? { Filename.safe(filename) }
}

/// Names of files as clients give them.
public enum Filename {
    /// The last component of a path of any system, without control characters, colons and points at its beginning, and up to 200
    /// bytes; nil when nothing is left.
    ///
    /// It names one file in one folder. It may be that of a file which is there already, or mean something to whoever serves the
    /// folder (`index.html`): a name of the server's own is better still.
    public static func safe(_ name: String) -> String? {
        let last = name.utf8.split(whereSeparator: { $0 == 0x2F || $0 == 0x5C }).last ?? "".utf8[...]
        var safe = ""
        for scalar in String(Substring(last)).unicodeScalars where isHarmless(scalar) {
            guard safe.utf8.count + scalar.utf8.count <= 200 else { break }
            safe.unicodeScalars.append(scalar)
        }
        let bare = safe.drop { $0 == "." || $0 == " " }
        return bare.isEmpty ? nil : String(bare)
    }

    /// No control, no separator of drives or streams, nothing that turns the direction of what is shown.
    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: false
        default: scalar != ":"
        }
    }
}

extension Unicode.Scalar {
    fileprivate var utf8: Unicode.UTF8.EncodedScalar { Unicode.UTF8.encode(self) ?? .init() }
}
