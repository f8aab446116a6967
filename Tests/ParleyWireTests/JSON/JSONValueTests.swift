import Foundation
import ParleyWire
import Testing

@Suite("JSONValue")
struct JSONValueTests {
    private let value: JSONValue = [
        "null": nil, "bool": true, "int": 1, "double": 1.5, "string": "s", "array": [1, "two", [3.5]],
        "object": ["a": [:]],
    ]

    @Test("Literals, accessors and subscripts")
    func access() {
        #expect(value["null"]?.isNull == true)
        #expect(value["bool"]?.boolValue == true)
        #expect(value["int"]?.intValue == 1 && value["int"]?.doubleValue == 1)
        #expect(value["double"]?.doubleValue == 1.5 && value["double"]?.intValue == nil)
        #expect(value["string"]?.stringValue == "s")
        #expect(value["array"]?[2]?[0] == 3.5)
        #expect(
            value["array"]?[3] == nil && value["array"]?[-1] == nil && value[0] == nil && value["none"] == nil
        )
        #expect(value["object"]?["a"]?.objectValue?.isEmpty == true)
        #expect(value["array"]?.arrayValue?.count == 3)
        #expect(JSONValue.binary([1]).binaryValue == [1])
        var changed = value
        changed["int"] = 2
        changed["string"] = nil
        #expect(changed["int"] == 2 && changed["string"] == nil)
        var made = JSONValue.null
        made["a"] = 1
        #expect(made == ["a": 1])
        var text: JSONValue = "x"
        text["a"] = 1
        #expect(text == "x")
    }

    @Test("Numbers are equal, and hash alike, when they are the same number")
    func numbers() {
        #expect(JSONValue.int(1) == .double(1) && JSONValue.int(1).hashValue == JSONValue.double(1).hashValue)
        #expect(JSONValue.int(.max) != .double(9_223_372_036_854_775_808))
        #expect(
            JSONValue.double(1.5) != .int(1) && JSONValue.int(0) != .bool(false) && JSONValue.null != .int(0))
        #expect(Set([JSONValue.int(2), .double(2), .string("2")]).count == 2)
    }

    @Test("A value survives a round trip, by itself and inside another type")
    func roundTrip() throws {
        #expect(try jsonValue(JSONValue.self, jsonText(value)) == value)
        struct Holder: Codable, Equatable {
            var payload: JSONValue?, list: [JSONValue], map: [String: JSONValue]
        }
        let holder = Holder(payload: value, list: [value, 1], map: ["v": value])
        #expect(try jsonValue(Holder.self, jsonText(holder)) == holder)
        #expect(try jsonValue(JSONValue.self, "-0") == .double(-0.0))
        #expect(try jsonText(JSONValue.double(-0.0)) == "-0")
        #expect(try jsonValue(JSONValue.self, "9223372036854775808") == .double(9_223_372_036_854_775_808))
        #expect("\(JSONValue.array([.binary([1, 2, 3]), "x"]))" == #"["AQID","x"]"#)
    }

    @Test("Other coders can write and read a value")
    func foreignCoders() throws {
        let data = try JSONEncoder().encode(value)
        #expect(try JSON.decode(JSONValue.self, from: Array(data).span) == value)
        #expect(try JSONDecoder().decode(JSONValue.self, from: data) == value)
    }
}
