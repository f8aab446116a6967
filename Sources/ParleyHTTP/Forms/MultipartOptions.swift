import ParleyWire

/// The limits of a multipart body that is read part by part. Beyond each: 413, which names it.
public struct MultipartOptions: Sendable {
    /// The parts.
    public var parts = 1000
    /// The bytes of a part's content.
    public var partBytes = 128 * 1024 * 1024
    /// The bytes of the whole body.
    public var totalBytes = 1024 * 1024 * 1024
    /// The bytes of a part's header section.
    public var headerBytes = 8192

    /// The defaults.
    public init() {}

    var wire: MultipartLimits {
        var limits = MultipartLimits()
        limits.parts = parts
        limits.headerBytes = headerBytes
        return limits
    }
}
