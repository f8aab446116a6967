/// The limits of a form that is collected. The error that a limit causes names it.
public struct FormLimits: Sendable {
    /// The bytes of the whole content. Beyond: 413.
    public var bytes = 1024 * 1024
    /// The fields, files included; of queries too. Beyond: 413, and 400 for a query.
    public var fields = 1000
    /// The brackets in a field's name, `a[b][c]` has two. Beyond: 400.
    public var depth = 8

    /// The defaults.
    public init() {}

    /// The defaults, but for the bytes of the whole content.
    public init(bytes: Int) { self.bytes = bytes }
}
