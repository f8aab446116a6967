import HTTPTypes
import ParleyWire

extension HTTPHeaderBlock {
    /// The values of all fields of the name, joined with `, ` (cookies with `; `); nil when there is none.
    func joinedValue(of name: HTTPField.Name) -> String? {
        var joined: String?
        for index in 0..<count where hasName(name.canonicalName, at: index) {
            if let first = joined {
                joined = first + (name == .cookie ? "; " : ", ") + value(at: index)
            } else {
                joined = value(at: index)
            }
        }
        return joined
    }

    private func hasName(_ canonicalName: String, at index: Int) -> Bool {
        let range = nameRange(at: index)
        let expected = canonicalName.utf8
        guard range.count == expected.count else { return false }
        var position = range.lowerBound
        for byte in expected {
            guard bytes[position] == byte else { return false }
            position += 1
        }
        return true
    }
}
