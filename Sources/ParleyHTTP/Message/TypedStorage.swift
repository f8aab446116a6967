/// Values by their type: what one middleware finds out and a later one, or the handler, needs.
///
/// ```swift
/// request[User.self] = user
/// ```
public struct TypedStorage: Sendable {
    private var values: [ObjectIdentifier: any Sendable] = [:]

    /// An empty storage; it allocates nothing.
    public init() {}

    /// All values, in no order.
    public var contents: [any Sendable] { Array(values.values) }

    /// The value of this type, or nil when nobody stored one.
    public subscript<Value: Sendable>(_ type: Value.Type) -> Value? {
        get { values.isEmpty ? nil : values[ObjectIdentifier(type)] as? Value }
        set { values[ObjectIdentifier(type)] = newValue }
    }

    /// Takes over all values of another storage; they replace those of the same types.
    public mutating func merge(_ other: TypedStorage) {
        guard !other.values.isEmpty else { return }
        values.merge(other.values) { _, new in new }
    }
}
