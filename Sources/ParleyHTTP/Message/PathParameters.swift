/// What a route's pattern captured from the path: the segments of `:name` by their names, and the rest of a `**`
/// by the name `**`. Values are percent-decoded once.
public struct PathParameters: Sendable {
    let names: [String]
    let values: [String]

    /// No parameters; allocates nothing.
    public init() {
        names = []
        values = []
    }

    /// Names and values, pairwise; of a name that is there twice, the first counts.
    public init(names: [String], values: [String]) {
        self.names = names
        self.values = values
    }

    /// These parameters, then the others.
    public func followed(by others: PathParameters) -> PathParameters {
        PathParameters(names: names + others.names, values: values + others.values)
    }

    /// True when the pattern captured nothing.
    public var isEmpty: Bool { names.isEmpty }

    /// The value of a parameter, or nil when the pattern has none of this name.
    public subscript(_ name: String) -> String? {
        for index in names.indices where names[index] == name && index < values.count { return values[index] }
        return nil
    }

    /// The value of a parameter as a type that can be made of text, such as `Int` or `String`.
    ///
    /// Throws ``HTTPError`` 400 when the text is not a value of the type, or when there is no such parameter.
    public func require<Value: LosslessStringConvertible>(
        _ name: String, as type: Value.Type = Value.self
    ) throws -> Value {
        guard let text = self[name] else { throw HTTPError(.badRequest, "missing path parameter: \(name)") }
        guard let value = Value(text) else { throw HTTPError(.badRequest, "invalid path parameter: \(name)") }
        return value
    }
}
