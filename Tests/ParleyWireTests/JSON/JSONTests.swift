import Foundation
import ParleyWire
import Testing

/// The text of a value, in plain mode.
func jsonText<Value: Encodable>(_ value: Value) throws -> String {
    var bytes: [UInt8] = []
    try JSON.encode(value, into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
}

/// A value of a text, in plain mode unless there are attachments.
func jsonValue<Value: Decodable>(
    _ type: Value.Type, _ text: String, attachments: [[UInt8]]? = nil
) throws -> Value {
    let bytes = Array(text.utf8)
    return try JSON.decode(type, from: bytes.span, attachments: attachments)
}

private struct Profile: Codable, Equatable {
    var name: String
    var age: Int
    var score: Double?
    var tags: [String]
    var avatar: Data?
}

@Suite("JSON: encoding and decoding as a whole")
struct JSONTests {
    @Test("A struct is written compactly, in the order in which it encodes itself")
    func structOutput() throws {
        let profile = Profile(name: "Zoë \"Z\"", age: 42, score: 0.5, tags: ["a", "b/c"], avatar: nil)
        #expect(try jsonText(profile) == #"{"name":"Zoë \"Z\"","age":42,"score":0.5,"tags":["a","b/c"]}"#)
        #expect(try jsonValue(Profile.self, jsonText(profile)) == profile)
    }

    @Test("Data travels as an attachment, whose placeholder is its index")
    func attachments() throws {
        let profile = Profile(name: "x", age: 1, score: nil, tags: [], avatar: Data([1, 2, 3]))
        var bytes: [UInt8] = []
        var attachments: [[UInt8]] = [[9]]
        try JSON.encode(profile, into: &bytes, attachments: &attachments)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"name":"x","age":1,"tags":[],"avatar":{"_placeholder":true,"num":1}}"#)
        #expect(attachments == [[9], [1, 2, 3]])
        #expect(try JSON.decode(Profile.self, from: bytes.span, attachments: attachments) == profile)
    }

    @Test("Data is Base64 in plain JSON")
    func base64() throws {
        let profile = Profile(name: "x", age: 1, score: nil, tags: [], avatar: Data([1, 2, 3, 4]))
        #expect(try jsonText(profile) == #"{"name":"x","age":1,"tags":[],"avatar":"AQIDBA=="}"#)
        #expect(try jsonValue(Profile.self, jsonText(profile)) == profile)
    }

    @Test("A failed encoding leaves the output and the attachments as they were")
    func failedEncoding() {
        var bytes = Array("[".utf8)
        var attachments: [[UInt8]] = [[9]]
        let value: JSONValue = [.binary([1]), .double(.nan)]
        #expect(throws: EncodingError.self) {
            try JSON.encode(value, into: &bytes, attachments: &attachments)
        }
        #expect(bytes == Array("[".utf8))
        #expect(attachments == [[9]])
    }
}
