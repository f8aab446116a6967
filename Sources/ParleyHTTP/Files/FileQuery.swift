import HTTPTypes

/// What of a request matters to a file, so that the thread pool gets no more than that.
struct FileQuery: Sendable {
    /// Nil for a path that is never served, whatever is there.
    let path: FilePath?
    let selection: FileSelection
    /// The `Accept` field, where something depends on it.
    let accept: String?
    /// Where the directory is that the path names without its slash.
    let directoryLocation: String

    /// The request's path as a person may read it.
    let displayedPath: String

    /// Throws ``HTTPError`` 400 for a path that can't be a file's.
    init(_ request: Request, mountDepth: Int, options: FileOptions) throws(HTTPError) {
        let rawPath = request.rawPath
        do {
            path = try FilePath(rawPath: rawPath, mountDepth: mountDepth, dotfiles: options.dotfiles)
        } catch {
            switch error {
            case .malformed: throw HTTPError(.badRequest, "invalid path")
            case .hidden: path = nil
            }
        }
        selection = FileSelection(request, negotiatesCoding: !options.precompressed.isEmpty)
        accept = options.dependsOnAccept ? request.header(.accept) : nil
        displayedPath = options.listsDirectories ? PercentCoding.decode(rawPath) : ""
        directoryLocation = Self.location(ofDirectory: rawPath, query: request.query)
    }

    /// A browser takes a backslash for a slash, so that a path which begins with `/\` would be another host.
    private static func location(ofDirectory rawPath: Substring, query: String?) -> String {
        let safe = rawPath.utf8.contains(FileByte.backslash) ? rawPath.replacing("\\", with: "%5C") : rawPath
        return safe + "/" + (query.map { "?\($0)" } ?? "")
    }
}

extension FileOptions {
    /// Whether there are answers that are chosen by `Accept`.
    var dependsOnAccept: Bool { listsDirectories || spaFallback != nil || notFoundPage != nil }
}

/// What a request asks of whatever its path stands for.
struct FileSelection: Sendable {
    /// True when the content is not to be sent, so that it need not be read.
    let isHead: Bool
    let preconditions: Preconditions
    /// The `Range` field of a GET; it means nothing for other methods (RFC 9110 14.2).
    let range: String?
    /// The `Accept-Encoding` field, where there is a choice.
    let acceptEncoding: String?

    /// The fields of a GET or HEAD; those of another method are not about the file that answers it.
    init(_ request: Request, negotiatesCoding: Bool) {
        isHead = request.method == .head
        let isRetrieval = isHead || request.method == .get
        preconditions = isRetrieval ? Preconditions(request) : Preconditions()
        range = request.method == .get ? request.header(.range) : nil
        acceptEncoding = negotiatesCoding ? request.header(.acceptEncoding) : nil
    }

    private init(isHead: Bool, acceptEncoding: String?) {
        self.isHead = isHead
        preconditions = Preconditions()
        range = nil
        self.acceptEncoding = acceptEncoding
    }

    /// The same for the whole content in any state.
    var unconditional: FileSelection { FileSelection(isHead: isHead, acceptEncoding: acceptEncoding) }
}

extension Preconditions {
    init(_ request: Request) {
        ifMatch = request.header(.ifMatch)
        ifUnmodifiedSince = request.header(.ifUnmodifiedSince)
        ifNoneMatch = request.header(.ifNoneMatch)
        ifModifiedSince = request.header(.ifModifiedSince)
        ifRange = request.header(.ifRange)
    }
}
