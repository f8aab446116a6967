#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A time of a file: whole seconds since 1970, and the nanoseconds within that second.
struct FileTime: Sendable, Equatable {
    var seconds: Int64
    var nanoseconds: Int64

    init(_ time: timespec) {
        seconds = Int64(time.tv_sec)
        nanoseconds = Int64(time.tv_nsec)
    }
}

/// What the system knows about a file. Two that are equal are of the same content, unless it was changed twice within
/// what the file system's clock can tell.
struct FileStatus: Sendable, Equatable {
    enum Kind: Sendable {
        case regular
        case directory
        /// FIFOs, devices, sockets: never served.
        case other
    }

    let kind: Kind
    /// In bytes.
    let size: UInt64
    /// When the content was last modified, or is said to have been.
    let modified: FileTime
    /// When the content, the rights or the name were last changed. Unlike ``modified`` nobody can set it.
    let changed: FileTime
    let inode: UInt64
    let device: UInt64

    init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            default: .other
            }
        size = UInt64(clamping: status.st_size)
        inode = UInt64(status.st_ino)
        device = UInt64(truncatingIfNeeded: status.st_dev)
        #if canImport(Darwin)
            modified = FileTime(status.st_mtimespec)
            changed = FileTime(status.st_ctimespec)
        #else
            modified = FileTime(status.st_mtim)
            changed = FileTime(status.st_ctim)
        #endif
    }
}

extension FileStatus {
    /// True when a change from now on would show in ``changed``, whose clock may be coarse.
    /// - Parameters:
    ///   - time: how coarse, in seconds.
    ///   - now: the present in seconds since 1970.
    func isSettled(for time: Int64, now: Int64) -> Bool {
        // What is said to be modified in the future has validators that change with the time.
        changed.seconds < now - time && modified.seconds <= now
    }

    /// What names this state of the file. The tag is strong: it changes with the size, the nanosecond of the last
    /// modification, and the file behind the name. It does not depend on the device's number, which may differ after
    /// a restart.
    /// - Parameters:
    ///   - suffix: what tells the tags of a file's variants apart.
    ///   - now: the present in seconds since 1970. A modification in the future is reported as of now
    ///     (RFC 9110 8.8.2.1).
    func validators(suffix: String = "", now: Int64) -> Validators {
        var hash: UInt64 = 0
        for word in [
            size, UInt64(bitPattern: modified.seconds), UInt64(bitPattern: modified.nanoseconds), inode,
        ] {
            hash = Self.mix(hash &+ 0x9E37_79B9_7F4A_7C15 ^ word)
        }
        let digits = String(hash, radix: 16)
        return Validators(
            entityTag: EntityTag(String(repeating: "0", count: 16 - digits.utf8.count) + digits + suffix),
            lastModified: min(modified.seconds, now))
    }

    /// The finalizer of SplitMix64: a bijection in which every bit of the input changes half of the output's.
    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
