import HTTPTypes
import ParleyTransport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension Request {
    /// A response with one file, for handlers that decide themselves who gets what: with validators, conditional
    /// requests and ranges as ``RouteBuilder/files(_:from:options:)`` has them, read while it is sent.
    ///
    /// ```swift
    /// app.get("/invoices/:id") { request in
    ///     let invoice = try await invoices.find(request.parameters.require("id", as: Int.self), for: user)
    ///     return try await request.file(at: invoice.path, downloadName: "Invoice \(invoice.number).pdf")
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - path: the file's path. Without a directory it is the application's own: nothing a client sent may be in it.
    ///   - directory: the directory that the path is below. Then it may be what a client sent, decoded: what leads out,
    ///     `..`, hidden files and links to the outside among them, is not found.
    ///   - contentType: the media type; by the name's extension where it is nil.
    ///   - cacheControl: the value of `Cache-Control`; nil sends none.
    ///   - downloadName: the name under which a browser saves the file, in place of showing it (RFC 6266).
    /// - Throws: ``HTTPError`` 404 where there is no such regular file that can be read, 412 and 416 by the request's
    ///   fields, 503 where the process has too many files open; anything else that opening or reading fails with.
    public nonisolated(nonsending) func file(
        at path: String, in directory: String? = nil, contentType: String? = nil,
        cacheControl: String? = "no-cache", downloadName: String? = nil
    ) async throws -> Response {
        let name = String(Substring(path.utf8.split(separator: FileByte.slash).last ?? ""[...].utf8))
        let traits = FileTraits(
            mediaType: contentType ?? MediaType.ofFile(named: name), cacheControl: cacheControl,
            disposition: downloadName.map { ContentDisposition.attachment($0) })
        let selection = FileSelection(self, negotiatesCoding: false)
        let loop = loop
        return try await loop.finish {
            let file = try openFile(at: path, in: directory)
            let now = Int64(time(nil))
            let representation = FileRepresentation(
                source: .open(file.descriptor), status: file.status, traits: traits, now: now)
            return try representation.response(to: selection, now: now, loop: loop)
        }
    }
}

/// Opens a regular file; see ``Request/file(at:in:contentType:cacheControl:downloadName:)``.
private func openFile(at path: String, in directory: String?) throws -> OpenFile {
    do throws(FileError) {
        // The system would take it for the end.
        guard !path.utf8.contains(0) else { throw .notFound }
        let file: OpenFile
        if let directory {
            let names = path.utf8.split(separator: FileByte.slash).map { String(Substring($0)) }
            guard names.allSatisfy({ $0.utf8.first != FileByte.dot }) else { throw .notFound }
            var walk = try FileWalk(root: directory)
            file = try walk.open(names)
        } else {
            let descriptor = try FileDescriptor.file(path)
            file = OpenFile(descriptor: descriptor, status: try descriptor.status())
        }
        guard file.status.kind == .regular else { throw .notFound }
        return file
    } catch {
        throw error.httpError ?? error
    }
}
