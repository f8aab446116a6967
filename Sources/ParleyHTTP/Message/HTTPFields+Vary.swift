public import HTTPTypes

extension HTTPFields {
    /// Adds a request field's name to `Vary` (RFC 9110 12.5.5), unless it is there already: what chose this response among
    /// several must be known to caches.
    public mutating func addVary(_ name: HTTPField.Name) {
        guard let existing = self[.vary] else {
            self[.vary] = name.rawName
            return
        }
        let names = WeightedList(existing).elements.map(\.name)
        guard !names.contains("*"), !names.contains(name.canonicalName) else { return }
        self[.vary] = existing + ", " + name.rawName
    }
}
