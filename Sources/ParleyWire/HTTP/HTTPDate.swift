/// Dates of HTTP (RFC 9110 5.6.7) as seconds since 1970-01-01T00:00:00Z. English names, no locale, no time zone but GMT,
/// no leap seconds.
public enum HTTPDate {
    /// The bytes of a formatted date.
    public static let length = 29

    private static let dayNames: StaticString = "SunMonTueWedThuFriSat"
    private static let monthNames: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
    private static let secondsPerDay: Int64 = 86_400

    /// Appends the date in the preferred format (IMF-fixdate), `Sun, 06 Nov 1994 08:49:37 GMT`: 29 bytes.
    /// Seconds before the year 0 or after the year 9999 are written as the nearest date within.
    public static func append(_ seconds: Int64, to output: inout [UInt8]) {
        let clamped = min(max(seconds, -62_167_219_200), 253_402_300_799)
        let days = floorDivide(clamped, secondsPerDay)
        let second = Int(clamped - days * secondsPerDay)
        let date = CivilDate(days: days)
        appendName(dayNames, Int(floorModulo(days + 4, 7)), to: &output)
        output.append(literal: ", ")
        appendTwoDigits(date.day, to: &output)
        output.append(HTTPBytes.space)
        appendName(monthNames, date.month - 1, to: &output)
        output.append(HTTPBytes.space)
        appendTwoDigits(date.year / 100, to: &output)
        appendTwoDigits(date.year % 100, to: &output)
        output.append(HTTPBytes.space)
        appendTwoDigits(second / 3600, to: &output)
        output.append(HTTPBytes.colon)
        appendTwoDigits(second / 60 % 60, to: &output)
        output.append(HTTPBytes.colon)
        appendTwoDigits(second % 60, to: &output)
        output.append(literal: " GMT")
    }

    /// The date in the preferred format as bytes.
    public static func bytes(_ seconds: Int64) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(length)
        append(seconds, to: &output)
        return output
    }

    /// The date in the preferred format.
    public static func string(_ seconds: Int64) -> String {
        String(bytes: bytes(seconds).span)
    }

    private static func appendName(_ names: StaticString, _ index: Int, to output: inout [UInt8]) {
        output.append(contentsOf: UnsafeBufferPointer(start: names.utf8Start + index * 3, count: 3))
    }

    private static func appendTwoDigits(_ value: Int, to output: inout [UInt8]) {
        output.append(0x30 &+ UInt8(truncatingIfNeeded: value / 10))
        output.append(0x30 &+ UInt8(truncatingIfNeeded: value % 10))
    }

    /// The index of the three-letter name that stands at the offset, which must be spelled exactly.
    private static func indexOfName(_ names: StaticString, in bytes: Span<UInt8>, at offset: Int) -> Int? {
        guard offset + 3 <= bytes.count else { return nil }
        for index in 0..<(names.utf8CodeUnitCount / 3) {
            let name = names.utf8Start + index * 3
            if name[0] == bytes[offset], name[1] == bytes[offset + 1], name[2] == bytes[offset + 2] {
                return index
            }
        }
        return nil
    }
}

// MARK: - Parsing

extension HTTPDate {
    /// Reads a date in any of the three formats that RFC 9110 5.6.7 requires a recipient to accept.
    /// - Parameter now: the present, in seconds since 1970: the year of the RFC 850 format has two digits, and stands
    ///   for the last such year that is at most 50 years after the present.
    /// - Returns: nil when it is no date. A day name that doesn't belong to the date is ignored.
    public static func parse(_ bytes: Span<UInt8>, now: Int64) -> Int64? {
        guard let comma = firstIndex(of: HTTPBytes.comma, in: bytes) else { return parseASCTime(bytes) }
        return comma == 3 ? parseFixedDate(bytes) : parseRFC850(bytes, from: comma + 1, now: now)
    }

    /// Reads a date from a string; see ``parse(_:now:)-(Span<UInt8>,_)``.
    public static func parse(_ string: String, now: Int64) -> Int64? {
        parse(Array(string.utf8).span, now: now)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    private static func parseFixedDate(_ bytes: Span<UInt8>) -> Int64? {
        guard bytes.count == length, indexOfName(dayNames, in: bytes, at: 0) != nil,
            matches(", .. ... .... ..:..:.. GMT", bytes, at: 3),
            let day = number(bytes, 5, 2), let month = indexOfName(monthNames, in: bytes, at: 8),
            let year = number(bytes, 12, 4), let second = timeOfDay(bytes, at: 17)
        else { return nil }
        return seconds(year: year, month: month + 1, day: day, second: second)
    }

    /// `Sunday, 06-Nov-94 08:49:37 GMT`; `from` is the place after the comma.
    private static func parseRFC850(_ bytes: Span<UInt8>, from: Int, now: Int64) -> Int64? {
        guard isLongDayName(bytes.extracting(0..<(from - 1))), bytes.count == from + 23,
            matches(" ..-...-.. ..:..:.. GMT", bytes, at: from),
            let day = number(bytes, from + 1, 2),
            let month = indexOfName(monthNames, in: bytes, at: from + 4),
            let shortYear = number(bytes, from + 8, 2), let second = timeOfDay(bytes, at: from + 11)
        else { return nil }
        let latest = CivilDate(days: floorDivide(min(max(now, 0), 250_000_000_000), secondsPerDay)).year + 50
        let year = latest - (latest - shortYear) % 100
        return seconds(year: year, month: month + 1, day: day, second: second)
    }

    /// `Sun Nov  6 08:49:37 1994`
    private static func parseASCTime(_ bytes: Span<UInt8>) -> Int64? {
        guard bytes.count == 24, indexOfName(dayNames, in: bytes, at: 0) != nil,
            matches(" ... .. ..:..:.. ....", bytes, at: 3),
            let month = indexOfName(monthNames, in: bytes, at: 4),
            let day = bytes[8] == HTTPBytes.space ? number(bytes, 9, 1) : number(bytes, 8, 2),
            let second = timeOfDay(bytes, at: 11), let year = number(bytes, 20, 4)
        else { return nil }
        return seconds(year: year, month: month + 1, day: day, second: second)
    }

    private static func firstIndex(of byte: UInt8, in bytes: Span<UInt8>) -> Int? {
        for index in bytes.indices where bytes[index] == byte { return index }
        return nil
    }

    /// True when the bytes at the offset are those of the pattern, in which a dot stands for any byte.
    private static func matches(_ pattern: StaticString, _ bytes: Span<UInt8>, at offset: Int) -> Bool {
        guard offset + pattern.utf8CodeUnitCount == bytes.count else { return false }
        for index in 0..<pattern.utf8CodeUnitCount {
            let expected = pattern.utf8Start[index]
            if expected != 0x2E, expected != bytes[offset + index] { return false }
        }
        return true
    }

    private static func isLongDayName(_ bytes: Span<UInt8>) -> Bool {
        let names: [StaticString] = [
            "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
        ]
        for name in names where HTTPBytes.equalIgnoringCase(bytes, name) { return true }
        return false
    }

    private static func number(_ bytes: Span<UInt8>, _ offset: Int, _ digits: Int) -> Int? {
        var value = 0
        for index in offset..<(offset + digits) {
            guard HTTPBytes.isDigit(bytes[index]) else { return nil }
            value = value * 10 + Int(bytes[index] - 0x30)
        }
        return value
    }

    /// The seconds of `hh:mm:ss`. A leap second (60) is taken as the second after 59.
    private static func timeOfDay(_ bytes: Span<UInt8>, at offset: Int) -> Int? {
        guard let hour = number(bytes, offset, 2), let minute = number(bytes, offset + 3, 2),
            let second = number(bytes, offset + 6, 2), hour < 24, minute < 60, second <= 60
        else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    private static func seconds(year: Int, month: Int, day: Int, second: Int) -> Int64? {
        let date = CivilDate(year: year, month: month, day: day)
        // A day that the month doesn't have comes back as another date.
        guard day > 0, CivilDate(days: date.daysSince1970) == date else { return nil }
        return date.daysSince1970 * secondsPerDay + Int64(second)
    }
}

/// A day of the proleptic Gregorian calendar. The arithmetic counts in eras of 400 years that begin on 1 March.
private struct CivilDate: Equatable {
    var year: Int
    var month: Int
    var day: Int

    init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    init(days: Int64) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
        month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
        year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
    }

    var daysSince1970: Int64 {
        let shiftedYear = Int64(month <= 2 ? year - 1 : year)
        let era = floorDivide(shiftedYear, 400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

private func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
}

private func floorModulo(_ value: Int64, _ divisor: Int64) -> Int64 {
    value - floorDivide(value, divisor) * divisor
}
