import HTTPTypes
import ParleyTransport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Answers requests with the files of a directory.
///
/// What can be decided by the request alone is decided on the loop (``FileQuery``); then one visit to the thread pool
/// finds and opens the file, evaluates conditions and range, and reads the content if it is short.
struct FileResponder: Sendable {
    /// The directory's path; absolute, so that it does not depend on a later working directory.
    let rootPath: String
    /// The number of a path's leading segments that belong to the route.
    let mountDepth: Int
    let options: FileOptions

    func respond(to request: Request) async throws -> Response {
        let query = try FileQuery(request, mountDepth: mountDepth, dotfiles: options.dotfiles)
        let loop = request.loop
        return try await loop.finish { try response(to: query, loop: loop) }
    }

    /// The response. May block.
    func response(to query: FileQuery, loop: EventLoop) throws -> Response {
        do {
            return try find(query, loop)
        } catch FileError.shrunk {
            // It was replaced while it was read, and nothing was sent yet: what it is now can be.
            return try find(query, loop)
        }
    }

    private func find(_ query: FileQuery, _ loop: EventLoop) throws -> Response {
        let found: (file: OpenFile, name: String)?
        do {
            found = try open(query.path)
        } catch {
            throw error.httpError ?? error
        }
        guard let found else {
            return Response(status: .movedPermanently, headers: [.location: query.directoryLocation])
        }
        let now = Int64(time(nil))
        let representation = FileRepresentation(
            file: found.file,
            mediaType: MediaType.ofFile(named: found.name, overrides: options.mediaTypes),
            cacheControl: options.cacheControl, now: now)
        return try representation.response(to: query, now: now, loop: loop)
    }

    /// The file that a path stands for, and its name; nil when the path lacks the slash at the end of a directory's.
    private func open(_ path: FilePath) throws(FileError) -> (file: OpenFile, name: String)? {
        var walk = try FileWalk(root: rootPath)
        let file = try walk.open(path.hasTrailingSlash ? path.segments + ["."] : path.segments)
        if file.status.kind == .regular {
            return (file, path.segments.last ?? "")
        }
        let index = try openIndex(&walk)
        return path.hasTrailingSlash ? index : nil
    }

    /// The file that stands for the directory where the walk is.
    private func openIndex(_ walk: inout FileWalk) throws(FileError) -> (file: OpenFile, name: String) {
        for name in options.indexNames {
            var attempt = walk
            do {
                let file = try attempt.open([name])
                if file.status.kind == .regular { return (file, name) }
            } catch {
                guard error.isAbsence else { throw error }
            }
        }
        throw .notFound
    }
}
