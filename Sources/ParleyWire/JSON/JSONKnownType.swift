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

    /// One bit for each identifier's hash: most other types are told by this alone.
    private static let filter: UInt64 = identifiers.reduce(0) { $0 | bit($1) }

    @inline(__always)
    private static func bit(_ identifier: ObjectIdentifier) -> UInt64 {
        // Metadata is aligned, so the lowest bits tell nothing.
        let address = UInt(bitPattern: identifier)
        return 1 &<< UInt64((address &>> 4 ^ address &>> 10) & 63)
    }

    /// The known type that this is, if any.
    @inline(__always)
    init?(_ type: Any.Type) {
        let identifier = ObjectIdentifier(type)
        guard JSONKnownType.filter & JSONKnownType.bit(identifier) != 0 else { return nil }
        guard let index = JSONKnownType.identifiers.firstIndex(of: identifier) else { return nil }
        self.init(rawValue: index)
    }
}
