import ParleyWire
import Testing

@Suite("HTTP dates (RFC 9110 5.6.7)")
struct HTTPDateTests {
    @Test(
        "the preferred format",
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (-62_167_219_200, "Sat, 01 Jan 0000 00:00:00 GMT"),
            (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
        ] as [(Int64, String)])
    func format(seconds: Int64, text: String) {
        #expect(HTTPDate.string(seconds) == text)
        #expect(HTTPDate.bytes(seconds).count == HTTPDate.length)
        #expect(HTTPDate.parse(text, now: 0) == seconds)
    }

    @Test("seconds out of range are written as the nearest date")
    func clamped() {
        #expect(HTTPDate.string(.max) == "Fri, 31 Dec 9999 23:59:59 GMT")
        #expect(HTTPDate.string(.min) == "Sat, 01 Jan 0000 00:00:00 GMT")
    }

    @Test("all three formats are read")
    func formats() {
        let now: Int64 = 1_700_000_000
        #expect(HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT", now: now) == 784_111_777)
        #expect(HTTPDate.parse("Sunday, 06-Nov-94 08:49:37 GMT", now: now) == 784_111_777)
        #expect(HTTPDate.parse("Sun Nov  6 08:49:37 1994", now: now) == 784_111_777)
        #expect(HTTPDate.parse("Wed Nov 16 08:49:37 1994", now: now) == 784_975_777)
    }

    @Test("a year of two digits is at most 50 years ahead")
    func shortYears() {
        let now: Int64 = 1_700_000_000  // 2023
        #expect(
            HTTPDate.parse("Sunday, 06-Nov-73 08:49:37 GMT", now: now)
                == HTTPDate.parse("Mon, 06 Nov 2073 08:49:37 GMT", now: now))
        #expect(
            HTTPDate.parse("Sunday, 06-Nov-74 08:49:37 GMT", now: now)
                == HTTPDate.parse("Wed, 06 Nov 1974 08:49:37 GMT", now: now))
        #expect(HTTPDate.parse("Sunday, 06-Nov-94 08:49:37 GMT", now: .max) != nil)
        #expect(HTTPDate.parse("Sunday, 06-Nov-94 08:49:37 GMT", now: .min) != nil)
    }

    @Test(
        "what is no date is nil",
        arguments: [
            "", ",", "x", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
            "Xun, 06 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 2100 00:00:00 GMT",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Son, 06-Nov-94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 GMT ", "0",
            "Sun, +6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08-49:37 GMT", "Sun Nov 31 08:49:37 1994",
        ])
    func invalid(text: String) {
        #expect(HTTPDate.parse(text, now: 1_700_000_000) == nil)
    }

    @Test("days over 800 years come back")
    func roundTrip() {
        for day in stride(from: Int64(-150_000), to: 150_000, by: 5) {
            let seconds = day * 86_400 + 12_345
            guard HTTPDate.parse(HTTPDate.bytes(seconds).span, now: 0) == seconds else {
                Issue.record("day \(day)")
                return
            }
        }
    }

    @Test("damaged dates don't trap")
    func mutations() {
        var random = SeededGenerator(seed: 7)
        let seeds = [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        ]
        for index in 0..<3000 {
            let bytes = random.mutate(Array(seeds[index % 3].utf8), inserting: Array(", -:09".utf8))
            _ = HTTPDate.parse(bytes.span, now: 1_700_000_000)
        }
    }
}
