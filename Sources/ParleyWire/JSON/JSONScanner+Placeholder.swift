extension JSONScanner {
    /// Moves behind an attachment's placeholder, written as the clients write it: without white space, its members in their
    /// order.
    ///
    /// - Returns: the number of the attachment; nil for whatever needs a closer look, a number of three digits too, and the
    ///   scanner stays where it is.
    mutating func scanPlainPlaceholder(_ bytes: Span<UInt8>) -> Int? {
        let head: StaticString = #"{"_placeholder":true,"num":"#
        let length = head.utf8CodeUnitCount
        guard bytes.count &- offset >= length &+ 2 else { return nil }
        for index in 0..<length where bytes[offset &+ index] != head.utf8Start[index] { return nil }
        var end = offset &+ length
        var number = Int(bytes[end] &- UInt8(ascii: "0"))
        guard number < 10 else { return nil }
        end &+= 1
        if number > 0, bytes[end] != UInt8(ascii: "}"), end &+ 1 < bytes.count {
            let digit = Int(bytes[end] &- UInt8(ascii: "0"))
            guard digit < 10 else { return nil }
            number = number &* 10 &+ digit
            end &+= 1
        }
        guard bytes[end] == UInt8(ascii: "}") else { return nil }
        offset = end &+ 1
        return number
    }

    /// Validates the arguments of an event with attachments, and moves behind the array. False where that takes a closer look: at an
    /// argument that is an array or another object, as it may hold a placeholder, and at a placeholder that is not right.
    mutating func skipArguments(
        _ bytes: Span<UInt8>, _ placeholders: PlaceholderMarks
    ) throws(JSONError) -> Bool {
        var placeholders = placeholders
        guard maximumDepth > 1 else { return false }
        repeat {
            switch peek(bytes) {
            case UInt8(ascii: "{"):
                guard let number = scanPlainPlaceholder(bytes), placeholders.mark(number) else {
                    return false
                }
            case UInt8(ascii: "["): return false
            default: try skipValue(bytes, openArrays: 1)
            }
        } while try scanSeparator(bytes, end: UInt8(ascii: "]"))
        return true
    }
}

/// Which attachments have a placeholder: two for one are refused.
struct PlaceholderMarks {
    private var marks: UInt64 = 0
    let count: Int

    init(count: Int) { self.count = min(count, UInt64.bitWidth) }

    /// False for an attachment that there isn't, or that has a placeholder already.
    mutating func mark(_ number: Int) -> Bool {
        guard number < count, marks & (1 &<< UInt64(number)) == 0 else { return false }
        marks |= 1 &<< UInt64(number)
        return true
    }
}
