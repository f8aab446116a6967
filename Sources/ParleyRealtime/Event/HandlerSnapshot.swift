/// The handlers of a namespace as one socket knows them, so that an event takes no lock that other loops take too, and counts no
/// reference that they count.
struct HandlerSnapshot {
    private var table = HandlerTable.empty
    private var version: UInt64 = 0

    /// The table, which stays as long as nobody asks again.
    mutating func current(in namespace: Namespace) -> Unmanaged<HandlerTable> {
        let current = namespace.handlersVersion.load(ordering: .acquiring)
        if current != version {
            // Whatever is registered meanwhile changes the version again.
            table = namespace.handlers
            version = current
        }
        return .passUnretained(table)
    }
}
