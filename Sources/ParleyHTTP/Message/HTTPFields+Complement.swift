import HTTPTypes

extension HTTPFields {
    /// Sets a field unless there is one of its name.
    mutating func setDefault(_ field: HTTPField) {
        if !contains(field.name) { append(field) }
    }

    /// Adds the fields whose names aren't there. What `Vary` names is added to what it names already (RFC 9110 12.5.5).
    mutating func complement(with others: HTTPFields) {
        guard !others.isEmpty else { return }
        let present = Set(map(\.name))
        for field in others {
            if field.name == .vary {
                addVary(listed: field.value)
            } else if !present.contains(field.name) {
                append(field)
            }
        }
    }

    private mutating func addVary(listed names: String) {
        for name in names.split(separator: ",") {
            if let name = HTTPField.Name(String(name.trimmingBlanks)) { addVary(name) }
        }
    }
}
