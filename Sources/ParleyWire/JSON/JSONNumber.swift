/// Reads numbers whose grammar the scanner has validated.
enum JSONNumber {
    /// A number taken apart: `mantissa * 10^exponent`, negative or not.
    struct Decimal {
        var mantissa: UInt64 = 0
        var exponent = 0
        var isNegative = false
        /// False when the digits do not fit into the mantissa; then only the sign is right.
        var isExact = true
    }

    /// Takes a number apart without rounding. Trailing zeros count into the exponent, so `1.000` is exact.
    static func decimal(_ text: UnsafeBufferPointer<UInt8>) -> Decimal {
        var result = Decimal()
        var position = 0
        if let first = text.first, first == UInt8(ascii: "-") {
            result.isNegative = true
            position = 1
        }
        var zeros = 0
        var fraction = 0
        var isFraction = false
        while position < text.count {
            let byte = text[position]
            if byte == UInt8(ascii: ".") {
                isFraction = true
            } else if JSONScanner.isDigit(byte) {
                if isFraction { fraction &+= 1 }
                append(byte &- UInt8(ascii: "0"), zeros: &zeros, to: &result)
            } else {
                break
            }
            position &+= 1
        }
        result.exponent = zeros &- fraction &+ exponent(text, from: position)
        if result.mantissa == 0 && result.isExact { result.exponent = 0 }
        return result
    }

    @inline(__always)
    private static func append(_ digit: UInt8, zeros: inout Int, to result: inout Decimal) {
        if digit == 0 {
            if result.mantissa != 0 { zeros &+= 1 }
            return
        }
        guard result.isExact else { return }
        for _ in 0...min(zeros, 20) {
            let (product, overflow) = result.mantissa.multipliedReportingOverflow(by: 10)
            if overflow { result.isExact = false }
            result.mantissa = product
        }
        let (sum, overflow) = result.mantissa.addingReportingOverflow(UInt64(digit))
        if overflow { result.isExact = false }
        result.mantissa = sum
        zeros = 0
    }

    /// The exponent behind the `e`, or 0; clamped, since no number needs one of six digits.
    private static func exponent(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var position = start &+ 1
        guard position < text.count else { return 0 }
        let isNegative = text[position] == UInt8(ascii: "-")
        if isNegative || text[position] == UInt8(ascii: "+") { position &+= 1 }
        var value = 0
        while position < text.count {
            value = min(value &* 10 &+ Int(text[position] &- UInt8(ascii: "0")), 100_000)
            position &+= 1
        }
        return isNegative ? -value : value
    }

    /// The integer that the number is exactly, or nil when it has a fraction or does not fit.
    @inline(__always)
    static func integer<Integer: FixedWidthInteger>(
        _ text: UnsafeBufferPointer<UInt8>, isInteger: Bool, as type: Integer.Type
    ) -> Integer? {
        if isInteger, let small = smallInteger(text) { return Integer(exactly: small) }
        return anyInteger(text)
    }

    /// At most 18 digits, which cannot overflow.
    @inline(__always)
    static func smallInteger(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard text.count <= 18, !text.isEmpty else { return nil }
        let isNegative = text[0] == UInt8(ascii: "-")
        var value: Int64 = 0
        var position = isNegative ? 1 : 0
        while position < text.count {
            value = value &* 10 &+ Int64(text[position] &- UInt8(ascii: "0"))
            position &+= 1
        }
        return isNegative ? 0 &- value : value
    }

    @inline(never)
    private static func anyInteger<Integer: FixedWidthInteger>(
        _ text: UnsafeBufferPointer<UInt8>
    ) -> Integer? {
        let decimal = decimal(text)
        guard decimal.mantissa != 0 || !decimal.isExact else { return 0 }
        // Trailing zeros are in the exponent, so a negative one is a fraction.
        guard decimal.exponent >= 0 else { return nil }
        guard decimal.isExact, decimal.exponent < 20 else {
            // Only plain digits of a 128-bit integer can still fit, and those the standard library reads.
            return Integer(String(decoding: text, as: UTF8.self))
        }
        var value = decimal.isNegative ? -Int128(decimal.mantissa) : Int128(decimal.mantissa)
        for _ in 0..<decimal.exponent {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            if overflow { return Integer(String(decoding: text, as: UTF8.self)) }
            value = product
        }
        return Integer(exactly: value)
    }

    /// The nearest `Double`, or nil when that is infinite.
    @inline(__always)
    static func double(_ text: UnsafeBufferPointer<UInt8>, isInteger: Bool) -> Double? {
        if isInteger, text.count <= 15, let small = smallInteger(text), small != 0 { return Double(small) }
        return anyDouble(text)
    }

    /// Both operands of the one operation are exact, so its result is the nearest (Clinger 1990).
    @inline(never)
    private static func anyDouble(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
        let decimal = decimal(text)
        if decimal.isExact, decimal.mantissa <= 1 << 53, abs(decimal.exponent) <= 22 {
            let mantissa = Double(decimal.mantissa)
            let power = powersOfTen[abs(decimal.exponent)]
            let value = decimal.exponent < 0 ? mantissa / power : mantissa * power
            return decimal.isNegative ? -value : value
        }
        guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    /// The nearest `Float`, or nil when that is infinite.
    static func float(_ text: UnsafeBufferPointer<UInt8>) -> Float? {
        guard let value = Float(String(decoding: text, as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
        1e18,
        1e19, 1e20, 1e21, 1e22,
    ]
}
