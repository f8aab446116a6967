import Foundation
import HTTPTypes
import Testing

@testable import ParleyHTTP

@Suite("Forms and queries")
struct FormTests {
    struct Order: Codable, Equatable {
        struct Item: Codable, Equatable { var name: String, price: Double, tags: [String] }
        enum Kind: String, Codable { case small, large }
        var customer: String
        var count: Int
        var kind: Kind
        var isGift: Bool
        var note: String?
        var discount: Int?
        var date: Date?
        var link: URL?
        var ids: [UInt8]
        var items: [Item]
        var options: [String: Int]
    }

    private static let type = "application/x-www-form-urlencoded"

    private func decode<Value: Decodable>(_ type: Value.Type, _ query: String) throws -> Value {
        var form = FormContent(limits: FormLimits())
        let isAdded = form.add(QueryItems(query[...]))
        #expect(isAdded)
        return try form.decode(type)
    }

    private func failure<Value: Decodable>(_ type: Value.Type, _ query: String) -> String {
        do {
            return "\(try decode(type, query))"
        } catch {
            return (error as? HTTPError)?.description ?? "\(error)"
        }
    }

    @Test("nested names, lists, types, and what is left out")
    func nested() throws {
        let order = try decode(
            Order.self,
            "customer=Ada+L%C3%B6w&count=-3&kind=large&isGift=on&note=&discount=&date=2026-07-01T12:30&link=https://a.b/c"
                + "&ids=1&ids=255&items[0][name]=x&items[0][price]=1.5&items[1][name]=y&items[1][price]=2"
                + "&items[1][tags][]=a&items[1][tags][]=b&options[b]=2&options[a]=1")
        #expect(order.customer == "Ada Löw" && order.count == -3 && order.kind == .large && order.isGift)
        #expect(order.note?.isEmpty == true && order.discount == nil && order.ids == [1, 255])
        #expect(order.date == Date(timeIntervalSince1970: 1_782_909_000) && order.link?.host() == "a.b")
        #expect(
            order.items == [
                .init(name: "x", price: 1.5, tags: []), .init(name: "y", price: 2, tags: ["a", "b"]),
            ])
        #expect(order.options == ["a": 1, "b": 2])
    }

    @Test("lists by empty brackets, repetition, numbers in any order, and wholes that repeat a name")
    func lists() throws {
        struct Lists: Codable { var a: [Int] }
        for query in ["a[]=1&a[]=2", "a=1&a=2", "a[1]=2&a[0]=1", "a[10]=2&a[9]=1", "a%5B%5D=1&a%5B%5D=2"] {
            #expect(try decode(Lists.self, query).a == [1, 2], "\(query)")
        }
        #expect(try decode(Lists.self, "").a.isEmpty)
        struct Wholes: Codable { var a: [[String: Int]] }
        #expect(
            try decode(Wholes.self, "a[][x]=1&a[][y]=2&a[][x]=3&a[][y]=4").a == [
                ["x": 1, "y": 2], ["x": 3, "y": 4],
            ])
    }

    @Test(
        "the first of a repeated name is a single value, and names whose brackets don't match are themselves")
    func names() throws {
        #expect(try decode([String: String].self, "a=1&a=2&b[]=3") == ["a": "1", "b": "3"])
        let odd = try decode([String: String].self, "a[b=1&[c]=2&d]=3&e[f]g=4&h[[i]]=5&=6")
        #expect(odd == ["a[b": "1", "[c]": "2", "d]": "3", "e[f]g": "4", "h[[i]]": "5", "": "6"])
    }

    @Test("booleans and their absence, numbers, dates")
    func scalars() throws {
        struct Flag: Codable { var on: Bool, maybe: Bool? }
        for (query, value) in [
            ("", false), ("on", true), ("on=", true), ("on=off", false), ("on=YES", true), ("on=0", false),
        ] {
            #expect(try decode(Flag.self, query).on == value)
        }
        #expect(try decode(Flag.self, "").maybe == nil && decode(Flag.self, "maybe").maybe == true)
        for bad in ["+5", "0x10", "nan", "inf", "1e999", "5 ", " 5", "1_0", "٣", ""] {
            let escaped = bad.replacing("+", with: "%2B").replacing(" ", with: "%20")
            #expect(
                failure([String: Double].self, "a=\(escaped)").hasPrefix("400 invalid form: a: not a value"),
                "\(bad)")
        }
        #expect(failure([String: Int8].self, "a=128") == "400 invalid form: a: not a value of type Int8")
        for (text, seconds) in [
            ("2026-07-01", 1_782_864_000.0), ("2026-07-01T00:00:01Z", 1_782_864_001), ("5000", 5),
        ] {
            #expect(try decode([String: Date].self, "a=\(text)")["a"] == Date(timeIntervalSince1970: seconds))
        }
        #expect(try decode([String: Decimal].self, "a=0.1")["a"] == Decimal(string: "0.1"))
    }

    @Test("errors name the field, and nothing that was sent in it")
    func errors() {
        #expect(
            failure(Order.self, "items[0][name]=x&items[0][price]=secret&customer=a&count=1&kind=small")
                == "400 invalid form: items[0][price]: not a value of type Double")
        #expect(failure(Order.self, "count=1") == "400 invalid form: customer is missing")
        #expect(failure([String: Int].self, "a[b]=1") == "400 invalid form: a: a single text is wanted")
        #expect(failure(Order.self, "customer=a&count=1&kind=secret").hasPrefix("400 invalid form: kind:"))
        #expect(!failure(Order.self, "customer=a&count=1&kind=secret").contains("Swift"))
    }

    @Test("fields and depth are limited")
    func limits() async throws {
        let client = try MemoryClient { app in
            app.post("/form") { request async throws -> [String: String] in try await request.decodeForm() }
            app.get("/query") { request -> [String: String] in try request.decodeQuery() }
        }
        let many = (0...1000).map { "a\($0)=1" }.joined(separator: "&")
        #expect(await client.ask(.post, "/form", type: Self.type, body: many).hasPrefix("413 limit fields"))
        #expect(await client.ask(.get, "/query?\(many)").hasPrefix("400 limit fields"))
        let deep = "a" + String(repeating: "[b]", count: 9) + "=1"
        #expect(await client.ask(.get, "/query?\(deep)").hasPrefix("400 limit depth"))
        let vast = "a" + String(repeating: "[b]", count: 20_000) + "=1"
        #expect(await client.ask(.post, "/form", type: Self.type, body: vast).hasPrefix("400 limit depth"))
        let large = "a=" + String(repeating: "x", count: 1 << 20)
        #expect(await client.ask(.post, "/form", type: Self.type, body: large).hasPrefix("413"))
    }

    @Test("the content's type decides, and another is 415 with what is taken")
    func types() async throws {
        struct Name: Codable { var name: String }
        let client = try MemoryClient { app in
            app.post("/form") { request async throws -> Name in try await request.decodeForm() }
            app.post("/any") { request async throws -> Name in try await request.content() }
            app.post("/json") { request async throws -> Name in try await request.decode(requiringType: true)
            }
            app.post("/lenient") { request async throws -> Name in try await request.decode() }
        }
        let answer = "200 {\"name\":\"x\"}"
        #expect(
            await client.ask(.post, "/form", type: Self.type + "; charset=UTF-8", body: "name=x") == answer)
        #expect(await client.ask(.post, "/any", type: Self.type.uppercased(), body: "name=x") == answer)
        let multipart = "--b\r\nContent-Disposition: form-data; name=name\r\n\r\nx\r\n--b--"
        #expect(
            await client.ask(.post, "/any", type: "multipart/form-data; boundary=b", body: multipart)
                == answer)
        for type in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json"] {
            #expect(await client.ask(.post, "/any", type: type, body: "{\"name\":\"x\"}") == answer)
            #expect(await client.ask(.post, "/json", type: type, body: "{\"name\":\"x\"}") == answer)
        }
        for (path, type) in [
            ("/form", "application/json"), ("/any", "text/plain"), ("/json", "text/plain"), ("/json", ""),
        ] {
            let response = await client.respond(.post, path, type: type, body: "name=x")
            #expect(response.status == .unsupportedMediaType && response.headers[.accept] != nil)
        }
        #expect(await client.ask(.post, "/form", body: "name=x").hasPrefix("415"))
        #expect(await client.ask(.post, "/lenient", type: "text/plain", body: "{\"name\":\"x\"}") == answer)
        #expect(await client.ask(.post, "/lenient") == "400 invalid request body: it is empty")
    }
}
