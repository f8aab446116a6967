import HTTPTypes

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension RouteBuilder {
    /// Serves the files of a directory below a path, to GET and HEAD.
    ///
    /// ```swift
    /// app.files("/", from: "Public")
    /// ```
    ///
    /// Responses carry a strong `ETag`, `Last-Modified`, and a media type by the file's extension; conditional requests
    /// and requests for ranges are answered as RFC 9110 13 and 14 have it. A directory is answered with its index file,
    /// after a redirection to the path with a slash at its end. Small files are kept in memory for a moment, see
    /// ``FileOptions/cache``; others are read while they are sent, whatever their size, in constant memory.
    ///
    /// Nothing outside the directory is served: paths with `..`, encoded slashes, backslashes or NUL are answered with
    /// 400, symbolic links that lead out with 404 (those that stay inside are followed), as are hidden files (see
    /// ``FileOptions/dotfiles``), and everything that is neither a regular file nor a directory with an index.
    ///
    /// - Parameters:
    ///   - path: the path below which the files are; routes with longer literal prefixes go before.
    ///   - directory: the directory's path, relative to the working directory of now. It may be replaced while the
    ///     server runs. While it does not exist requests are answered with 500, and the log says why.
    ///   - options: how the files are served.
    public func files(_ path: String, from directory: String, options: FileOptions = FileOptions()) {
        var path = path[...]
        while path.last == "/" { path = path.dropLast() }
        let mount = RoutePattern.join(scope.prefix, String(path))
        let responder = FileResponder(
            rootPath: absolutePath(directory),
            mountDepth: RoutePattern(RoutePattern.join(mount, "**")).segments.count - 1,
            options: options)
        let handler = RouteHandler.answering { request in
            if let response = try responder.cachedResponse(to: request) { return .now(response) }
            return .later { try await responder.respond(to: request) }
        }
        scope.add(.get, path + "/**", handler)
        // The mount itself without its slash. At the root there is no such path.
        if !mount.isEmpty, mount != "/" { scope.add(.get, String(path), handler) }
    }
}

private func absolutePath(_ path: String) -> String {
    guard path.utf8.first != FileByte.slash, let working = getcwd(nil, 0) else { return path }
    defer { free(working) }
    return String(cString: working) + "/" + path
}
