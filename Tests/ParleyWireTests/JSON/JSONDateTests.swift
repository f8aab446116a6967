import Foundation
import ParleyWire
import Testing

@Suite("JSON: dates as JavaScript has them")
struct JSONDateTests {
    @Test(
        "A date is written as toJSON does, to the millisecond",
        arguments: [
            (0.0, "1970-01-01T00:00:00.000Z"), (1_782_909_000.25, "2026-07-01T12:30:00.250Z"),
            (-0.001, "1969-12-31T23:59:59.999Z"), (951_782_399.0, "2000-02-28T23:59:59.000Z"),
            (951_782_400.0, "2000-02-29T00:00:00.000Z"), (4_107_542_400.0, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799.0, "9999-12-31T23:59:59.000Z"), (-62_167_219_200.0, "0000-01-01T00:00:00.000Z"),
        ])
    func written(_ seconds: Double, _ text: String) throws {
        let date = Date(timeIntervalSince1970: seconds)
        #expect(try jsonText(date) == "\"\(text)\"")
        #expect(try jsonText(["a": [date]]) == "{\"a\":[\"\(text)\"]}")
        #expect(try abs(jsonValue(Date.self, "\"\(text)\"").timeIntervalSince1970 - seconds) < 0.000_01)
    }

    @Test("Every form of RFC 3339 is read, and milliseconds since 1970")
    func read() throws {
        for text in [
            "\"2026-07-01T12:30:00Z\"", "\"2026-07-01T14:30:00+02:00\"", "\"2026-07-01t12:30:00.000000z\"",
            "\"2026-07-01 07:00:00.0-05:30\"", "1782909000000", "1782909000000.0", "1.782909e12",
        ] {
            #expect(try jsonValue(Date.self, text).timeIntervalSince1970 == 1_782_909_000, "\(text)")
        }
        #expect(try abs(jsonValue(Date.self, "1.5").timeIntervalSince1970 - 0.0015) < 0.000_01)
        #expect(try jsonValue(Date?.self, "null") == nil)
    }

    @Test(
        "Another text is an error",
        arguments: [
            "", "2026", "2026-07-01", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-07-01T24:00:00Z",
            "2026-07-01T12:60:00Z", "2026-07-01T12:30:00", "2026-07-01T12:30:00.Z",
            "2026-07-01T12:30:00+2:00",
            "2026-07-01T12:30:00Zx", "+026-07-01T12:30:00Z", "2026-00-01T12:30:00Z", "2026-07-00T12:30:00Z",
        ])
    func refused(_ text: String) {
        #expect(throws: DecodingError.self) { try jsonValue(Date.self, "\"\(text)\"") }
    }

    @Test("A thousand days survive a round trip, and agree with Foundation")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 1)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for _ in 0..<1_000 {
            let milliseconds = Int64.random(in: -2_208_988_800_000...253_402_300_799_999, using: &generator)
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
            let text = try jsonText(date)
            let back = try jsonValue(Date.self, text)
            #expect((back.timeIntervalSince1970 * 1_000).rounded() == Double(milliseconds))
            let foundation = try style.parse(String(text.dropFirst().dropLast()))
            #expect(abs(foundation.timeIntervalSince(date)) < 0.002)
        }
    }
}
