public import HTTPTypes

/// The fields of one header or trailer section, in the order in which they came: one array with the bytes, one with
/// the places of names and values in it. Nothing becomes a `String` before somebody asks for it.
///
/// Names are held in lower case.
public struct HTTPHeaderBlock: Sendable {
    private struct Entry: Sendable {
        var name: UInt32
        var nameLength: UInt32
        var value: UInt32
        var valueLength: UInt32
    }

    /// The storage: names in lower case, values, and bytes of no meaning between them.
    public private(set) var bytes: [UInt8] = []
    private var entries: [Entry] = []

    /// An empty section.
    public init() {}

    /// The number of fields.
    public var count: Int { entries.count }

    /// True when there is no field.
    public var isEmpty: Bool { entries.isEmpty }

    /// Makes room, so that the following fields are appended without growing the storage.
    public mutating func reserveCapacity(bytes byteCount: Int, fields: Int) {
        bytes.reserveCapacity(byteCount)
        entries.reserveCapacity(fields)
    }

    /// Appends a field. The caller has validated both; the name's ASCII letters are stored in lower case.
    /// Fields beyond 4 GiB in total are ignored: every decoder's limits lie far below.
    public mutating func append(name: Span<UInt8>, value: Span<UInt8>) {
        let start = bytes.count
        guard start + name.count + value.count <= Int(UInt32.max) else { return }
        bytes.append(bytes: name)
        bytes.append(bytes: value)
        addEntry(at: start, nameLength: name.count, value: name.count..<(name.count + value.count))
    }

    /// Appends a whole field line with one copy; the value's range is relative to the line. The line's length is
    /// bounded by the caller's limits, far below 4 GiB.
    mutating func append(line: Span<UInt8>, nameLength: Int, value: Range<Int>) {
        let start = bytes.count
        bytes.append(bytes: line.extracting(0..<value.upperBound))
        addEntry(at: start, nameLength: nameLength, value: value)
    }

    /// Makes one field of all those with this name, which must be in lower case, in the place of the first: such as the
    /// crumbs of a `cookie` (RFC 9113 8.2.3).
    mutating func joinFields(_ lowercasedName: StaticString, separator: StaticString) {
        guard let first = index(of: lowercasedName) else { return }
        var joined: [UInt8] = []
        for index in first..<count where hasName(lowercasedName, at: index) {
            if index > first { joined.append(literal: separator) }
            joined.append(contentsOf: bytes[valueRange(at: index)])
        }
        var block = HTTPHeaderBlock()
        block.reserveCapacity(bytes: bytes.count, fields: count)
        for index in 0..<count where index <= first || !hasName(lowercasedName, at: index) {
            let name = bytes.span.extracting(nameRange(at: index))
            if index == first {
                block.append(name: name, value: joined.span)
            } else {
                block.append(name: name, value: bytes.span.extracting(valueRange(at: index)))
            }
        }
        self = block
    }

    /// Removes all fields with these names, which must be in lower case.
    public mutating func remove(_ lowercasedNames: [StaticString]) {
        entries = entries.indices.filter { index in !lowercasedNames.contains { hasName($0, at: index) } }
            .map { entries[$0] }
    }

    private mutating func addEntry(at start: Int, nameLength: Int, value: Range<Int>) {
        var storage = bytes.mutableSpan
        for index in start..<(start &+ nameLength) { storage[index] = HTTPBytes.lowercased(storage[index]) }
        entries.append(
            Entry(
                name: UInt32(truncatingIfNeeded: start), nameLength: UInt32(truncatingIfNeeded: nameLength),
                value: UInt32(truncatingIfNeeded: start &+ value.lowerBound),
                valueLength: UInt32(truncatingIfNeeded: value.count)))
    }

    /// The place of a field's name in ``bytes``. The index must be below ``count``.
    public func nameRange(at index: Int) -> Range<Int> {
        let entry = entries[index]
        return Int(entry.name)..<Int(entry.name) &+ Int(entry.nameLength)
    }

    /// The place of a field's value in ``bytes``. The index must be below ``count``.
    public func valueRange(at index: Int) -> Range<Int> {
        let entry = entries[index]
        return Int(entry.value)..<Int(entry.value) &+ Int(entry.valueLength)
    }

    /// A field's name in lower case. The index must be below ``count``.
    public func name(at index: Int) -> String { String(bytes: bytes.span.extracting(nameRange(at: index))) }

    /// A field's value as UTF-8, with U+FFFD for what is not. The index must be below ``count``.
    public func value(at index: Int) -> String { String(bytes: bytes.span.extracting(valueRange(at: index))) }
}

// MARK: - Looking up

extension HTTPHeaderBlock {
    /// The index of the first field at or after `start` with this name, which must be in lower case.
    public func index(of lowercasedName: StaticString, from start: Int = 0) -> Int? {
        let length = lowercasedName.utf8CodeUnitCount
        for index in start..<Swift.max(start, entries.count) where Int(entries[index].nameLength) == length {
            if hasName(lowercasedName, at: index) { return index }
        }
        return nil
    }

    /// Whether the value of the first field with this name begins with a text, but for the case of its ASCII letters. Both
    /// must be in lower case.
    public func value(of lowercasedName: StaticString, beginsWith lowercased: StaticString) -> Bool {
        guard let index = index(of: lowercasedName) else { return false }
        let value = bytes.span.extracting(valueRange(at: index))
        return HTTPBytes.equalIgnoringCase(value.extracting(first: lowercased.utf8CodeUnitCount), lowercased)
    }

    /// True when the field's name is this one, which must be in lower case.
    func hasName(_ lowercasedName: StaticString, at index: Int) -> Bool {
        let range = nameRange(at: index)
        guard range.count == lowercasedName.utf8CodeUnitCount else { return false }
        let expected = lowercasedName.utf8Start
        for offset in 0..<range.count where bytes[range.lowerBound &+ offset] != expected[offset] {
            return false
        }
        return true
    }

    /// The value of the first field with this name, which must be in lower case.
    public func first(_ lowercasedName: StaticString) -> String? {
        index(of: lowercasedName).map { value(at: $0) }
    }

    /// The number of fields with this name, which must be in lower case.
    public func count(of lowercasedName: StaticString) -> Int {
        var count = 0
        var next = index(of: lowercasedName)
        while let found = next {
            count += 1
            next = index(of: lowercasedName, from: found + 1)
        }
        return count
    }

    /// True when a comma-separated list in a field of this name has the token as a member, compared without regard to
    /// the case of ASCII letters (RFC 9110 5.6.1). Both must be given in lower case.
    public func contains(_ lowercasedName: StaticString, token: StaticString) -> Bool {
        var next = index(of: lowercasedName)
        while let found = next {
            if hasMember(token, at: found) { return true }
            next = index(of: lowercasedName, from: found + 1)
        }
        return false
    }

    /// True when the field's value is the token, which must be in lower case, in any case.
    func hasValue(_ lowercased: StaticString, at index: Int) -> Bool {
        HTTPBytes.equalIgnoringCase(bytes.span.extracting(valueRange(at: index)), lowercased)
    }

    /// True when the field's value is a comma-separated list with the token as a member.
    func hasMember(_ token: StaticString, at index: Int) -> Bool {
        Self.list(bytes.span.extracting(valueRange(at: index)), contains: token)
    }

    /// The field's value, when it is nothing but decimal digits that fit into 64 bits.
    func decimalValue(at index: Int) -> UInt64? {
        let range = valueRange(at: index)
        guard !range.isEmpty else { return nil }
        var number: UInt64 = 0
        for position in range {
            guard HTTPBytes.isDigit(bytes[position]) else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(bytes[position] &- 0x30))
            guard !overflow, !carry else { return nil }
            number = sum
        }
        return number
    }

    /// True when the comma-separated list has the token as a member.
    static func list(_ value: Span<UInt8>, contains token: StaticString) -> Bool {
        var start = 0
        for index in 0...value.count where index == value.count || value[index] == HTTPBytes.comma {
            let member = HTTPBytes.trimmed(start..<index, in: value)
            if HTTPBytes.equalIgnoringCase(value.extracting(member), token) { return true }
            start = index + 1
        }
        return false
    }
}

// MARK: - As a collection

extension HTTPHeaderBlock: RandomAccessCollection {
    /// One field: the name in lower case, the value as UTF-8.
    public struct Field: Sendable, Equatable {
        /// The name, in lower case.
        public var name: String
        /// The value, without blanks around it.
        public var value: String
    }

    /// Zero.
    public var startIndex: Int { 0 }

    /// The number of fields.
    public var endIndex: Int { entries.count }

    /// The field at the index.
    public subscript(index: Int) -> Field { Field(name: name(at: index), value: value(at: index)) }

    /// The fields as swift-http-types has them; built anew at each call.
    public var httpFields: HTTPFields {
        var fields = HTTPFields()
        fields.reserveCapacity(count)
        for index in 0..<count {
            guard let name = HTTPField.Name(name(at: index)) else { continue }
            fields.append(HTTPField(name: name, lenientValue: bytes[valueRange(at: index)]))
        }
        return fields
    }
}

extension HTTPHeaderBlock: Equatable {
    /// True when both hold the same names and values in the same order.
    public static func == (left: HTTPHeaderBlock, right: HTTPHeaderBlock) -> Bool {
        left.count == right.count
            && left.indices.allSatisfy {
                left.bytes[left.nameRange(at: $0)] == right.bytes[right.nameRange(at: $0)]
                    && left.bytes[left.valueRange(at: $0)] == right.bytes[right.valueRange(at: $0)]
            }
    }
}
