import Foundation
import ParleyWire
import Testing

/// A type with most of what Codable synthesises.
private struct Record: Codable, Equatable {
    enum Kind: String, Codable { case small, large = "LARGE" }
    enum Event: Codable, Equatable {
        case moved(x: Int, y: Double)
        case renamed(String)
        case none
    }
    var id: Int64
    var name: String
    var ratio: Double
    var flag: Bool
    var kind: Kind
    var event: Event
    var note: String?
    var small: Int8
    var big: UInt64
    var single: Float
    var tags: [String]
    var grid: [[Int]]
    var byName: [String: Record.Kind]
    var byNumber: [Int: Double]
    var blob: Data
    var children: [Record]
}

extension SeededGenerator {
    mutating func int(_ range: Range<Int>) -> Int { Int.random(in: range, using: &self) }

    mutating func string() -> String {
        let parts = [
            "a", "key", " ", "\"", "\\", "/", "\n", "\u{1}", "é", "日本", "😀", "\u{7F}", "0123456789abcdef",
            "\u{2028}",
        ]
        return (0..<int(0..<6)).map { _ in parts[int(0..<parts.count)] }.joined()
    }

    mutating func double() -> Double {
        switch int(0..<4) {
        case 0: Double(int(-1_000..<1_000))
        case 1: Double(int(-100_000..<100_000)) / 1_000
        case 2: Double.random(in: -1...1, using: &self)
        default: Double(int(-1_000_000..<1_000_000)) * pow(10, Double(int(-200..<200)))
        }
    }

    fileprivate mutating func record(depth: Int = 2) -> Record {
        Record(
            id: Int64(bitPattern: next()), name: string(), ratio: double(), flag: Bool.random(using: &self),
            kind: Bool.random(using: &self) ? .small : .large,
            event: [.moved(x: int(-9..<9), y: double()), .renamed(string()), .none][int(0..<3)],
            note: Bool.random(using: &self) ? string() : nil, small: Int8(int(-128..<128)), big: next(),
            single: Float(int(-99_999..<99_999)) / 7, tags: (0..<int(0..<4)).map { _ in string() },
            grid: (0..<int(0..<3)).map { _ in (0..<int(0..<3)).map { _ in int(-99..<99) } },
            byName: Dictionary((0..<int(0..<25)).map { ("\($0)" + string(), .large) }) { _, last in last },
            byNumber: Dictionary((0..<int(0..<4)).map { _ in (int(-9..<9), double()) }) { _, last in last },
            blob: Data((0..<int(0..<9)).map { _ in UInt8(truncatingIfNeeded: next()) }),
            children: depth == 0 ? [] : (0..<int(0..<3)).map { _ in record(depth: depth - 1) })
    }

    mutating func value(depth: Int = 4) -> JSONValue {
        switch int(0..<(depth == 0 ? 6 : 8)) {
        case 0: .null
        case 1: .bool(Bool.random(using: &self))
        case 2: .int(Int64(bitPattern: next()) >> Int64(int(0..<64)))
        case 3: .double(double())
        case 4, 5: .string(string())
        case 6: .array((0..<int(0..<5)).map { _ in value(depth: depth - 1) })
        default:
            .object(
                Dictionary((0..<int(0..<5)).map { _ in (string(), value(depth: depth - 1)) }) { _, last in
                    last
                })
        }
    }
}

@Suite("JSON: the same as Foundation, on generated input")
struct JSONDifferentialTests {
    @Test("Foundation reads what we write of a type, and we read what it writes")
    func records() throws {
        var generator = SeededGenerator(seed: 20)
        let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
        for _ in 0..<400 {
            let record = generator.record()
            var ours: [UInt8] = []
            try JSON.encode(record, into: &ours)
            #expect(try decoder.decode(Record.self, from: Data(ours)) == record)
            #expect(try JSON.decode(Record.self, from: ours.span) == record)
            let theirs = Array(try encoder.encode(record))
            #expect(try JSON.decode(Record.self, from: theirs.span) == record)
            var attachments: [[UInt8]] = []
            var binary: [UInt8] = []
            try JSON.encode(record, into: &binary, attachments: &attachments)
            #expect(try JSON.decode(Record.self, from: binary.span, attachments: attachments) == record)
        }
    }

    @Test("Foundation reads what we write of a JSONValue as the same value")
    func values() throws {
        var generator = SeededGenerator(seed: 21)
        let decoder = JSONDecoder()
        for _ in 0..<3_000 {
            let value = generator.value()
            var ours: [UInt8] = []
            try JSON.encode(value, into: &ours)
            #expect(try JSON.decode(JSONValue.self, from: ours.span) == value)
            #expect(try decoder.decode(JSONValue.self, from: Data(ours)) == value, "\(value)")
        }
    }

    @Test("A text is taken exactly when Foundation takes it, but for the rules where it is laxer")
    func mutatedTexts() throws {
        var generator = SeededGenerator(seed: 22)
        let replacements = Array("{}[]\",:0123456789.eE+-\\untrfalse \u{1}".utf8) + [0x80, 0xC3, 0xFF]
        var (accepted, refused) = (0, 0)
        for _ in 0..<15_000 {
            var text: [UInt8] = []
            try JSON.encode(generator.value(depth: 2), into: &text)
            for _ in 0..<generator.int(0..<3) {
                let index = generator.int(0..<text.count)
                switch generator.int(0..<3) {
                case 0: text[index] = replacements[generator.int(0..<replacements.count)]
                case 1: text.insert(replacements[generator.int(0..<replacements.count)], at: index)
                default: if text.count > 1 { text.remove(at: index) }
                }
            }
            let ours = isValid(text)
            let theirs =
                (try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)) != nil
            if ours { accepted += 1 } else { refused += 1 }
            // Foundation refuses numbers beyond Double, where our scanner judges the grammar only.
            let isTooLarge = ours && (try? JSON.decode(JSONValue.self, from: text.span)) == nil
            if !isTooLarge, !hasTrailingComma(text) {
                #expect(ours == theirs, "\(String(decoding: text, as: UTF8.self)) \(text)")
            }
        }
        #expect(accepted > 1_000 && refused > 1_000)
    }

    /// Whether the first error is a bracket behind a comma, which Foundation takes.
    private func hasTrailingComma(_ text: [UInt8]) -> Bool {
        var scanner = JSONScanner()
        do {
            try scanner.skipValue(text.span)
            return false
        } catch {
            let before = text.prefix(error.offset).last { $0 != 0x20 && $0 != 0x0A }
            return error.rule == .unexpectedByte && before == UInt8(ascii: ",")
                && text[error.offset] | 0x20 == UInt8(ascii: "}")
        }
    }

    @Test("Whatever Foundation decodes from a mutated record, we decode to the same")
    func mutatedRecords() throws {
        struct Simple: Codable, Equatable {
            var id: Int?
            var name: String?
            var ratio: Double?
            var list: [Int]?
            var inner: [String: Bool]?
        }
        var generator = SeededGenerator(seed: 23)
        let decoder = JSONDecoder()
        let base = Array(
            #"{"id":12,"name":"a\u00e9b","ratio":-1.5e1,"list":[1,2,30],"inner":{"x":true}}"#.utf8)
        let replacements = Array("{}[]\",:0123456789.eE+-\\untrfalse ".utf8)
        for _ in 0..<15_000 {
            var text = base
            for _ in 0...generator.int(0..<2) {
                text[generator.int(0..<text.count)] = replacements[generator.int(0..<replacements.count)]
            }
            let theirs = try? decoder.decode(Simple.self, from: Data(text))
            let ours = try? JSON.decode(Simple.self, from: text.span)
            // Foundation does not look at what it does not need, and takes a trailing comma.
            if ours == nil, theirs != nil, !isValid(text) { continue }
            #expect(ours == theirs, "\(String(decoding: text, as: UTF8.self))")
        }
    }
}
