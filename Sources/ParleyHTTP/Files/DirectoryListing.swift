import Foundation
import HTTPTypes
import ParleyWire

/// What a directory holds, of that which is served.
struct DirectoryListing: Sendable {
    struct Entry: Sendable, Encodable, Equatable {
        enum Kind: String, Sendable, Encodable {
            case file
            case directory
        }

        let name: String
        let type: Kind
        /// In bytes; nil for directories.
        let size: UInt64?
        /// To the second.
        let modified: Date
    }

    /// The request's path, decoded.
    let path: String
    /// True for the directory that is mounted, from which no link leads up.
    let isRoot: Bool
    /// Directories first, each group by name.
    let entries: [Entry]
    /// True when the directory has more.
    let isTruncated: Bool

    /// Reads a directory. What can't be opened, or is neither file nor directory, is left out, as are hidden files.
    init(_ walk: FileWalk, of path: FilePath, query: FileQuery, options: FileOptions) throws(FileError) {
        self.path = query.displayedPath
        isRoot = path.segments.isEmpty
        let limit = max(0, options.listingLimit)
        let names = try walk.names(atMost: limit == .max ? limit : limit + 1)
        isTruncated = names.count > limit
        let mayBeWellKnown = path.segments.isEmpty
        entries = names.prefix(limit).compactMap { name in
            guard FilePath.isServed(name, isFirst: mayBeWellKnown, options.dotfiles) else { return nil }
            return Self.entry(name, walk)
        }.sorted { left, right in
            left.type == right.type ? left.name < right.name : left.type == .directory
        }
    }

    private static func entry(_ name: String, _ walk: FileWalk) -> Entry? {
        var attempt = walk
        guard let status = try? attempt.open([name]).status else { return nil }
        let isFile = status.kind == .regular
        return Entry(
            name: name, type: isFile ? .file : .directory, size: isFile ? status.size : nil,
            modified: Date(timeIntervalSince1970: TimeInterval(status.modified.seconds)))
    }

    /// The listing as HTML, or as JSON where the request likes that better.
    func response(accept: String?) throws -> Response {
        let media = AcceptedMedia(accept)
        let isJSON = media.weight(of: "application/json") > media.weight(of: "text/html")
        var response = isJSON ? try Response.json(JSONForm(self)) : Response.text(html, type: Self.htmlType)
        response.headers[.cacheControl] = "no-cache"
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers.addVary(.accept)
        if !isJSON { response.headers[.contentSecurityPolicy] = Self.contentSecurityPolicy }
        return response
    }

    private struct JSONForm: Encodable {
        var path: String
        var entries: [Entry]
        var isTruncated: Bool

        init(_ listing: DirectoryListing) {
            path = listing.path
            entries = listing.entries
            isTruncated = listing.isTruncated
        }
    }
}
