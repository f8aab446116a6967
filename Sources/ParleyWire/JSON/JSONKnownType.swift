#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A type that is written and read without Codable's machinery, for speed or because JSON has its own form for it.
enum JSONKnownType: Int {
    case string, int, double, bool, value, data, date, url, decimal
    case strings, ints, doubles, bools, bytes, values
    case stringMembers, intMembers, doubleMembers, boolMembers, valueMembers

    /// In the order of the cases.
    private static let identifiers: [ObjectIdentifier] = [
        ObjectIdentifier(String.self), ObjectIdentifier(Int.self), ObjectIdentifier(Double.self),
        ObjectIdentifier(Bool.self), ObjectIdentifier(JSONValue.self), ObjectIdentifier(Data.self),
        ObjectIdentifier(Date.self), ObjectIdentifier(URL.self), ObjectIdentifier(Decimal.self),
        ObjectIdentifier([String].self), ObjectIdentifier([Int].self), ObjectIdentifier([Double].self),
        ObjectIdentifier([Bool].self), ObjectIdentifier([UInt8].self), ObjectIdentifier([JSONValue].self),
        ObjectIdentifier([String: String].self), ObjectIdentifier([String: Int].self),
        ObjectIdentifier([String: Double].self), ObjectIdentifier([String: Bool].self),
        ObjectIdentifier([String: JSONValue].self),
    ]

    /// The known type that this is, if any.
    @inline(__always)
    init?(_ type: Any.Type) {
        let identifier = ObjectIdentifier(type)
        let identifiers = JSONKnownType.identifiers
        var index = 0
        while index < identifiers.count, identifiers[index] != identifier { index &+= 1 }
        self.init(rawValue: index)
    }
}
