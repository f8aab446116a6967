import HTTPTypes

/// What of a request matters to a file, so that the thread pool gets no more than that.
struct FileQuery: Sendable {
    let path: FilePath
    /// True when the content is not to be sent, so that it need not be read.
    let isHead: Bool
    let preconditions: Preconditions
    /// The `Range` field of a GET; it means nothing for other methods (RFC 9110 14.2).
    let range: String?
    /// Where the directory is that the path names without its slash.
    let directoryLocation: String

    /// Throws ``HTTPError`` 400 or 404 for a path that can't be a file's.
    init(_ request: Request, mountDepth: Int, dotfiles: FileOptions.DotfilePolicy) throws(HTTPError) {
        let rawPath = request.rawPath
        do {
            path = try FilePath(rawPath: rawPath, mountDepth: mountDepth, dotfiles: dotfiles)
        } catch {
            switch error {
            case .malformed: throw HTTPError(.badRequest, "invalid path")
            case .hidden: throw HTTPError(.notFound)
            }
        }
        isHead = request.method == .head
        range = isHead ? nil : request.header(.range)
        preconditions = Preconditions(request)
        directoryLocation = rawPath + "/" + (request.query.map { "?\($0)" } ?? "")
    }
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
