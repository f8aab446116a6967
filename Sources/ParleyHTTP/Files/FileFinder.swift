/// Finds what a path below the root stands for. Pure but for the file system; may block.
struct FileFinder: Sendable {
    let rootPath: String
    let indexNames: [String]
    /// The codings of which siblings are looked for.
    let codings: [PrecompressedCoding]
    let listsDirectories: Bool

    /// What a path stands for.
    enum Item: Sendable {
        case file(FoundFile)
        /// A directory that can be answered, but the path lacks its slash.
        case directoryWithoutSlash
        /// A directory without index, to be listed.
        case directory(FileWalk)
    }

    /// Throws ``FileError/notFound``, or a system's error that means it, where there is nothing to serve.
    func find(_ path: FilePath) throws(FileError) -> Item {
        var walk = try FileWalk(root: rootPath)
        if let name = path.segments.last, !path.hasTrailingSlash {
            // A dot at the end: the directory is walked through, which doesn't need the right to read it.
            _ = try walk.open(path.segments.dropLast() + ["."])
            var last = walk
            let file = try last.open([name])
            if file.status.kind == .regular {
                return .file(FoundFile(path.segments, file, siblings(of: name, file, walk)))
            }
            walk = last
        } else {
            _ = try walk.open(path.segments + ["."])
        }
        let item = try directory(walk, path.segments)
        return path.hasTrailingSlash ? item : .directoryWithoutSlash
    }

    /// What stands for the directory where the walk is.
    private func directory(_ walk: FileWalk, _ segments: [String]) throws(FileError) -> Item {
        for name in indexNames {
            guard let file = try open(name, walk) else { continue }
            return .file(FoundFile(segments + [name], file, siblings(of: name, file, walk)))
        }
        guard listsDirectories else { throw .notFound }
        return .directory(walk)
    }

    /// The regular file of a name in the directory where the walk is, or nil.
    private func open(_ name: String, _ walk: FileWalk) throws(FileError) -> OpenFile? {
        var attempt = walk
        do {
            let file = try attempt.open([name])
            return file.status.kind == .regular ? file : nil
        } catch {
            guard error.isAbsence else { throw error }
            return nil
        }
    }

    /// The compressed siblings that are not older than their original. The second counts: what compresses may set the
    /// original's time without its fraction. A sibling that can't be opened is none, whatever the reason.
    private func siblings(of name: String, _ original: OpenFile, _ walk: FileWalk) -> [FoundFile.Variant] {
        codings.compactMap { coding in
            guard let file = try? open(name + coding.suffix, walk),
                file.status.modified.seconds >= original.status.modified.seconds
            else { return nil }
            return FoundFile.Variant(coding: coding, file: file)
        }
    }
}

/// A file that is to be served, open, in all codings that there are.
struct FoundFile: Sendable {
    struct Variant: Sendable {
        /// Nil for the original.
        let coding: PrecompressedCoding?
        let file: OpenFile
    }

    /// The names on the way to it: with that of the index, for a directory.
    let path: [String]
    /// The original, and then the compressed ones.
    let variants: [Variant]

    init(_ path: [String], _ original: OpenFile, _ siblings: [Variant] = []) {
        self.path = path
        variants = [Variant(coding: nil, file: original)] + siblings
    }

    /// The variant for a request.
    func index(for selection: FileSelection) -> Int {
        let coding = PrecompressedCoding.choice(
            among: variants.compactMap(\.coding), acceptEncoding: selection.acceptEncoding)
        return variants.firstIndex { $0.coding == coding } ?? 0
    }
}
