/// Comparisons whose time says nothing about where two secrets differ.
public enum ConstantTime {
    /// Whether two texts are the same bytes. The time depends on the length of the second one only, which is to be what the client
    /// sent: it knows that anyway.
    public static func areEqual(_ secret: String, _ given: String) -> Bool {
        areEqual(Array(secret.utf8), Array(given.utf8))
    }

    /// Whether two arrays are the same bytes; as for texts.
    public static func areEqual(_ secret: [UInt8], _ given: [UInt8]) -> Bool {
        var difference = secret.count ^ given.count
        // One byte more than there is, so that an empty secret has something to compare with.
        let padded = secret + [0]
        for index in given.indices {
            difference |= Int(padded[index % padded.count] ^ given[index])
        }
        return difference == 0
    }
}
