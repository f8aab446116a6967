import Foundation
import Testing

@testable import ParleyHTTP

@Suite("Signed cookies")
struct CookieSignerTests {
    @Test("any text comes back, under its name only")
    func roundTrip() throws {
        let signer = CookieSigner(key: .random())
        for text in ["", "ada", "größe; \"quoted\", \r\n\0"] {
            let signed = signer.sign(text, for: "user")
            #expect(try Cookie("user", signed).fieldValue().hasPrefix("user=\(signed);"))
            #expect(signer.verify(signed, for: "user") == text && signer.verify(signed, for: "admin") == nil)
        }
    }

    @Test("keys rotate: the first signs, all verify")
    func rotation() throws {
        let (old, new) = (SigningKey.random(), SigningKey.random())
        let signed = CookieSigner(key: old).sign("ada", for: "user")
        #expect(CookieSigner(key: new, older: [old]).verify(signed, for: "user") == "ada")
        #expect(CookieSigner(key: new).verify(signed, for: "user") == nil)
        let renewed = CookieSigner(key: new, older: [old]).sign("ada", for: "user")
        #expect(CookieSigner(key: old).verify(renewed, for: "user") == nil)
    }

    @Test("an expiry is part of what is signed")
    func expiry() throws {
        let signer = CookieSigner(key: .random())
        let end = Date(timeIntervalSince1970: 1000)
        let signed = signer.sign("ada", for: "user", expires: end)
        #expect(signer.verify(signed, for: "user", at: end.addingTimeInterval(-1)) == "ada")
        #expect(signer.verify(signed, for: "user", at: end) == nil)
        let later = signed.replacing(".1000.", with: ".9000.")
        #expect(later != signed && signer.verify(later, for: "user", at: end.addingTimeInterval(-1)) == nil)
        let never = signed.replacing(".1000.", with: "..")
        #expect(signer.verify(never, for: "user", at: end.addingTimeInterval(-1)) == nil)
    }

    @Test("a value of which any character was changed is none")
    func tampering() throws {
        let signer = CookieSigner(key: .random())
        let signed = Array(signer.sign("ada", for: "user").utf8)
        for index in signed.indices {
            var changed = signed
            changed[index] = changed[index] == 0x41 ? 0x42 : 0x41
            #expect(signer.verify(String(decoding: changed, as: UTF8.self), for: "user") == nil, "\(index)")
        }
        for value in ["", "..", "a.b", "a..b.c", "....", "YWRh..", "YWRh.."] {
            #expect(signer.verify(value, for: "user") == nil)
        }
    }

    @Test("short keys are refused")
    func shortKeys() {
        #expect(throws: SigningKeyError.self) { try SigningKey("secret") }
        #expect(throws: SigningKeyError.self) { try SigningKey([UInt8](repeating: 1, count: 31)) }
        #expect((try? SigningKey([UInt8](repeating: 1, count: 32))) != nil)
    }

    @Test("a signed cookie travels there and back")
    func exchange() async throws {
        let signer = CookieSigner(key: .random())
        let client = try MemoryClient { app in
            app.get("/set") { _ in
                var response = Response.text("set")
                try response.setCookie(Cookie("user", "ada lovelace", maxAge: .seconds(60)), signedBy: signer)
                return response
            }
            app.get("/get") { request in request.cookies.signed("user", by: signer) ?? "nobody" }
        }
        #expect(await client.ask(.get, "/get") == "200 nobody")
        #expect(await client.ask(.get, "/set") == "200 set")
        #expect(await client.ask(.get, "/get") == "200 ada lovelace")
        client.cookies["user"]?.append("A")
        #expect(await client.ask(.get, "/get") == "200 nobody")
    }
}
