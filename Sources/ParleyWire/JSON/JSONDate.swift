#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// Dates as JavaScript's `Date.prototype.toJSON` writes them: `2026-07-01T12:30:00.250Z`, in UTC, to the millisecond.
package enum JSONDate {
    /// Appends the quoted form, or returns false for a date outside the years 0 to 9999.
    static func append(_ date: Date, to output: inout JSONOutput) -> Bool {
        let total = (date.timeIntervalSince1970 * 1_000).rounded()
        // -0000-01-01 to 9999-12-31T23:59:59.999, in milliseconds since 1970; NaN fails both comparisons.
        guard total >= -62_167_219_200_000, total <= 253_402_300_799_999 else { return false }
        let milliseconds = Int64(total)
        let (days, rest) = floorDivide(milliseconds, 86_400_000)
        let (year, month, day) = civil(days)
        output.append(UInt8(ascii: "\""))
        appendDigits(year, 4, "-", to: &output)
        appendDigits(month, 2, "-", to: &output)
        appendDigits(day, 2, "T", to: &output)
        appendDigits(rest / 3_600_000, 2, ":", to: &output)
        appendDigits(rest / 60_000 % 60, 2, ":", to: &output)
        appendDigits(rest / 1_000 % 60, 2, ".", to: &output)
        appendDigits(rest % 1_000, 3, "Z", to: &output)
        output.append(UInt8(ascii: "\""))
        return true
    }

    private static func appendDigits(
        _ value: Int64, _ width: Int, _ separator: Unicode.Scalar, to output: inout JSONOutput
    ) {
        var divisor: Int64 = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            output.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
        output.append(UInt8(ascii: separator))
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    /// The proleptic Gregorian date of a day counted from 1970-01-01, in years that start in March.
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floorDivide(shiftedYear, 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Reads an RFC 3339 date and time: any number of fraction digits, and `Z` or an offset such as `+02:00`.
    package static func parse(_ text: UnsafeBufferPointer<UInt8>) -> Date? {
        var reader = DigitReader(text: text)
        guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"),
            let day = reader.number(2), reader.skip("T") || reader.skip("t") || reader.skip(" "),
            let hour = reader.number(2), reader.skip(":"), let minute = reader.number(2), reader.skip(":"),
            let second = reader.number(2)
        else { return nil }
        guard 1...12 ~= month, 1...daysInMonth(month, year: year) ~= day, hour < 24, minute < 60, second <= 60
        else { return nil }
        var fraction = 0.0
        if reader.skip(".") {
            guard let value = reader.fraction() else { return nil }
            fraction = value
        }
        guard let offset = reader.zone(), reader.isAtEnd else { return nil }
        let days = days(year: year, month: month, day: day)
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset
        return Date(timeIntervalSince1970: Double(seconds) + fraction)
    }

    private static func daysInMonth(_ month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private struct DigitReader {
        let text: UnsafeBufferPointer<UInt8>
        var position = 0

        var isAtEnd: Bool { position == text.count }

        mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
            guard position < text.count, text[position] == UInt8(ascii: scalar) else { return false }
            position += 1
            return true
        }

        mutating func number(_ width: Int) -> Int64? {
            guard position + width <= text.count else { return nil }
            var value: Int64 = 0
            for _ in 0..<width {
                guard JSONScanner.isDigit(text[position]) else { return nil }
                value = value * 10 + Int64(text[position] - UInt8(ascii: "0"))
                position += 1
            }
            return value
        }

        /// The digits behind the point; those after the ninth are below what a date can hold.
        mutating func fraction() -> Double? {
            var value = 0.0
            var scale = 1.0
            let start = position
            while position < text.count, JSONScanner.isDigit(text[position]) {
                if position - start < 9 {
                    value = value * 10 + Double(text[position] - UInt8(ascii: "0"))
                    scale *= 10
                }
                position += 1
            }
            return position == start ? nil : value / scale
        }

        /// The offset from UTC in seconds.
        mutating func zone() -> Int64? {
            if skip("Z") || skip("z") { return 0 }
            let isNegative = skip("-")
            guard isNegative || skip("+"), let hours = number(2) else { return nil }
            _ = skip(":")
            guard let minutes = number(2), hours < 24, minutes < 60 else { return nil }
            let offset = hours * 3_600 + minutes * 60
            return isNegative ? -offset : offset
        }
    }
}
