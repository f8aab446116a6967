import Foundation
import ParleyWire
import Testing

@Suite("JSON: numbers")
struct JSONNumberTests {
    @Test("A double is written as JavaScript writes integers, and as the shortest text otherwise")
    func written() throws {
        for (value, text) in [
            (0.0, "0"), (1.0, "1"), (-1.0, "-1"), (100.0, "100"), (1.5, "1.5"), (0.1, "0.1"), (-0.0, "-0"),
            (9_007_199_254_740_991.0, "9007199254740991"), (1e21, "1e+21"),
            (.leastNonzeroMagnitude, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"), (123_456.789, "123456.789"),
        ] {
            #expect(try jsonText(value) == text)
            #expect(try jsonText(["a": value]) == "{\"a\":\(text)}")
            #expect(try jsonValue(Double.self, text) == value)
        }
        #expect(try jsonText(Float(0.1)) == "0.1")
        #expect(try jsonText(Float(3)) == "3")
        #expect(try jsonText([Float(16_777_216)]) == "[16777216]")
    }

    @Test("Doubles of every magnitude survive a round trip")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<20_000 {
            let value = Double(bitPattern: generator.next())
            guard value.isFinite else { continue }
            let text = try jsonText(value)
            #expect(try jsonValue(Double.self, text) == value, "\(text)")
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: generator.next()))
            guard float.isFinite else { continue }
            #expect(try jsonValue(Float.self, jsonText(float)) == float)
        }
    }

    @Test("Decimal texts are rounded to the nearest double, as strtod does")
    func rounding() throws {
        var generator = SeededGenerator(seed: 12)
        for _ in 0..<20_000 {
            var text = Bool.random(using: &generator) ? "-" : ""
            text +=
                "\(UInt64.random(in: 0...(1 << UInt64.random(in: 1...63, using: &generator)), using: &generator))"
            if Bool.random(using: &generator) {
                text += "." + String(repeating: "0", count: Int.random(in: 0..<4, using: &generator))
                text +=
                    "\(UInt64.random(in: 0...(1 << UInt64.random(in: 1...63, using: &generator)), using: &generator))"
            }
            if Bool.random(using: &generator) { text += "e\(Int.random(in: -330...300, using: &generator))" }
            let expected = strtod(text, nil)
            guard expected.isFinite else { continue }
            #expect(try jsonValue(Double.self, text).bitPattern == expected.bitPattern, "\(text)")
            let float = strtof(text, nil)
            guard float.isFinite else { continue }
            #expect(try jsonValue(Float.self, text).bitPattern == float.bitPattern, "\(text)")
        }
        for text in [
            "9007199254740993", "2.2250738585072011e-308",
            "0.500000000000000166533453693773481063544750213623046875",
        ] {
            #expect(try jsonValue(Double.self, text) == strtod(text, nil))
        }
    }

    @Test("Integers of every width survive a round trip")
    func integers() throws {
        var generator = SeededGenerator(seed: 13)
        for _ in 0..<5_000 {
            let value = Int64(bitPattern: generator.next()) >> Int64.random(in: 0..<64, using: &generator)
            #expect(try jsonText(value) == "\(value)")
            #expect(try jsonValue(Int64.self, "\(value)") == value)
            #expect(try jsonValue(UInt64.self, "\(UInt64(bitPattern: value))") == UInt64(bitPattern: value))
        }
    }
}
