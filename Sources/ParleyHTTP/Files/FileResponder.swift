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
/// What is in memory and was looked at lately is answered on the loop (``cachedResponse(to:)``). For the rest one visit
/// to the thread pool finds and opens the file, evaluates conditions and range, and reads the content if it is short.
struct FileResponder: Sendable {
    private let finder: FileFinder
    /// The number of a path's leading segments that belong to the route.
    private let mountDepth: Int
    private let options: FileOptions
    private let cache: FileCache?

    /// - Parameter rootPath: the directory's path; absolute, so that it does not depend on a later working directory.
    init(rootPath: String, mountDepth: Int, options: FileOptions) {
        finder = FileFinder(
            rootPath: rootPath, indexNames: options.indexNames, codings: options.precompressed,
            listsDirectories: options.listsDirectories)
        self.mountDepth = mountDepth
        self.options = options
        cache = options.cache.map { FileCache(options: $0) }
    }

    /// The response from memory; nil where the file system has to be asked. Doesn't block.
    ///
    /// Throws ``HTTPError`` 412 and 416.
    func cachedResponse(to request: Request) throws -> Response? {
        guard let cache, let key = FilePath.key(rawPath: request.context.rawPath, mountDepth: mountDepth),
            let file = cache.fresh(key, now: .now)
        else { return nil }
        let selection = FileSelection(request, negotiatesCoding: !options.precompressed.isEmpty)
        let representation = file.representation(for: selection)
        return try representation?.response(to: selection, now: Int64(time(nil)), loop: request.loop)
    }

    nonisolated(nonsending) func respond(to request: Request) async throws -> Response {
        let query = try FileQuery(request, mountDepth: mountDepth, options: options)
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
        guard let path = query.path else { return try absence(query, loop) }
        let checked = ContinuousClock.now
        let item: FileFinder.Item
        do {
            item = try finder.find(path)
        } catch {
            cache?.remove(path.key)
            guard error.isAbsence else { throw error.httpError ?? error }
            return try absence(query, loop)
        }
        switch item {
        case .file(let found):
            return try serve(
                found, as: path.key, traits(of: found), to: query.selection, checked: checked, loop)
        case .directoryWithoutSlash:
            return Response(status: .movedPermanently, headers: [.location: query.directoryLocation])
        case .directory(let walk):
            let listing = try DirectoryListing(walk, of: path, query: query, options: options)
            return try listing.response(accept: query.accept)
        }
    }

    private func serve(
        _ found: FoundFile, as key: String, _ traits: FileTraits, to selection: FileSelection,
        checked: ContinuousClock.Instant, _ loop: EventLoop
    ) throws -> Response {
        let now = Int64(time(nil))
        let cached = try cache.flatMap { cache in
            try cache.revalidated(key, found, checked: checked)
                ?? keep(found, as: key, traits, in: cache, checked: checked, now: now)
        }
        if let representation = cached?.representation(for: selection) {
            return try representation.response(to: selection, now: now, loop: loop)
        }
        let variant = found.variants[found.index(for: selection)]
        let representation = FileRepresentation(
            source: .open(variant.file.descriptor), status: variant.file.status, coding: variant.coding,
            traits: traits, now: now)
        return try representation.response(to: selection, now: now, loop: loop)
    }

    private func keep(
        _ found: FoundFile, as key: String, _ traits: FileTraits, in cache: FileCache,
        checked: ContinuousClock.Instant, now: Int64
    ) throws -> CachedFile? {
        let file = try CachedFile(reading: found, traits: traits, options: cache.options, now: now)
        if let file { cache.insert(file, for: key, checked: checked) }
        return file
    }

    private func traits(of found: FoundFile) -> FileTraits {
        let rule = options.cacheRules.first { $0.glob.matches(found.path) }
        return FileTraits(
            mediaType: MediaType.ofFile(named: found.path.last ?? "", overrides: options.mediaTypes),
            cacheControl: rule == nil ? options.cacheControl : rule?.cacheControl,
            vary: options.precompressed.isEmpty ? nil : "Accept-Encoding")
    }
}

// MARK: - Where there is no file

extension FileResponder {
    /// What is answered where there is nothing at the path: the application's page, the page for that, or 404.
    private func absence(_ query: FileQuery, _ loop: EventLoop) throws -> Response {
        let accept = AcceptedMedia(query.accept)
        if let fallback = options.spaFallback, query.isForPage, accept.names("text/html"),
            let response = try serve(fallback, as: "\0fallback", to: query.selection, loop)
        {
            return response
        }
        if let page = options.notFoundPage, accept.weight(of: "text/html") > 0,
            var response = try serve(page, as: "\0missing", to: query.selection.unconditional, loop)
        {
            response.status = .notFound
            // They are about the page, and not about what was asked for.
            for name in [HTTPField.Name.eTag, .lastModified, .acceptRanges] { response.headers[name] = nil }
            return response
        }
        let isChoice = options.spaFallback != nil || options.notFoundPage != nil
        throw HTTPError(.notFound, headers: isChoice ? [.vary: "Accept"] : [:])
    }

    /// A file that the options name, which stands for paths that it isn't at: nobody may use it unasked. Nil where
    /// there is none.
    private func serve(
        _ name: String, as key: String, to selection: FileSelection, _ loop: EventLoop
    ) throws -> Response? {
        let checked = ContinuousClock.now
        let path = FilePath(
            segments: name.utf8.split(separator: FileByte.slash).map { String(Substring($0)) })
        do {
            guard case .file(let found) = try finder.find(path) else { return nil }
            var traits = traits(of: found)
            traits.cacheControl = "no-cache"
            traits.vary = (traits.vary.map { $0 + ", " } ?? "") + "Accept"
            return try serve(found, as: key, traits, to: selection, checked: checked, loop)
        } catch let error as FileError where error.isAbsence {
            return nil
        }
    }
}

extension FileQuery {
    /// Whether the path may be one of an application that routes in the browser: its last segment has no dot.
    fileprivate var isForPage: Bool {
        path.map { !($0.segments.last ?? "").utf8.contains(FileByte.dot) } ?? false
    }
}
