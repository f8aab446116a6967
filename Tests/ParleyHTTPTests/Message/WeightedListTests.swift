import HTTPTypes
import Testing

@testable import ParleyHTTP

@Suite("Weighted lists (RFC 9110 12.4.2)")
struct WeightedListTests {
    @Test("elements have their weight, or 1")
    func weights() {
        let list = WeightedList("gzip;q=0.5, BR , deflate ; Q=0.25,identity;q=0")
        #expect(list.elements.map(\.name) == ["gzip", "br", "deflate", "identity"])
        #expect(list.elements.map(\.weight) == [500, 1000, 250, 0])
    }

    @Test("a name that is not listed has the weight of *")
    func wildcard() {
        #expect(WeightedList("gzip, *;q=0.1").weight(of: "br") == 100)
        #expect(WeightedList("gzip, *;q=0.1").weight(of: "gzip") == 1000)
        #expect(WeightedList("gzip").weight(of: "br") == nil)
    }

    @Test(
        "a malformed weight leaves its element out",
        arguments: ["q=2", "q=1.001", "q=", "q=0.1234", "q=-1", "q=0,5", "q=a", "q=0x1", "q=1."])
    func malformed(weight: String) {
        let list = WeightedList("br;\(weight), gzip")
        #expect(list.weight(of: "gzip") == 1000)
        #expect(list.weight(of: "br") == (weight == "q=1." ? 1000 : weight == "q=0,5" ? 0 : nil))
    }

    @Test("empty elements are ignored (RFC 9110 5.6.1)")
    func empty() {
        #expect(WeightedList(" ,, gzip,").elements.map(\.name) == ["gzip"])
        #expect(WeightedList("").elements.isEmpty)
    }

    @Test("Vary gets each name once, and nothing beside *")
    func vary() {
        var fields: HTTPFields = [:]
        fields.addVary(.origin)
        fields.addVary(.acceptEncoding)
        fields.addVary(.origin)
        #expect(fields[.vary] == "Origin, Accept-Encoding")
        fields[.vary] = "*"
        fields.addVary(.origin)
        #expect(fields[.vary] == "*")
    }
}
