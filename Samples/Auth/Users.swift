import Crypto
import Foundation

/// Somebody who can sign in.
struct User: Codable, Sendable, Equatable {
    enum Role: String, Codable, Sendable { case member, administrator }

    let name: String
    let role: Role
}

/// Everybody who can sign in. A real application has a database here.
struct Users: Sendable {
    private struct Account {
        let user: User
        let password: PasswordHash
    }

    private let accounts: [String: Account]
    /// Stands in for the password of names that nobody has, which must not be found out by measuring time.
    private let decoy: PasswordHash

    /// Makes two users with random passwords, and returns these: nobody else knows them.
    static func demo() async throws -> (users: Users, passwords: [(User, String)]) {
        let users = [User(name: "ada", role: .member), User(name: "grace", role: .administrator)]
        let passwords = users.map { ($0, Secret(bytes: 9).text) }
        var accounts: [String: Account] = [:]
        for (user, password) in passwords {
            accounts[user.name] = Account(user: user, password: try await PasswordHash(of: password))
        }
        let decoy = try await PasswordHash(of: Secret(bytes: 32).text)
        return (Users(accounts: accounts, decoy: decoy), passwords)
    }

    /// The user whose name and password these are; nil when there is none.
    func find(_ credentials: Credentials) async throws -> User? {
        let account = accounts[credentials.name]
        let isRight = try await (account?.password ?? decoy).matches(credentials.password)
        return isRight ? account?.user : nil
    }

    func named(_ name: String) -> User? { accounts[name]?.user }
}

/// What a sign-in sends, as a form or as JSON.
struct Credentials: Codable, Sendable {
    var name: String
    var password: String
}

/// Random bytes as text that fits into cookies, fields and URLs.
struct Secret: Sendable {
    let text: String

    init(bytes count: Int) {
        let key = SymmetricKey(size: SymmetricKeySize(bitCount: count * 8))
        text = key.withUnsafeBytes { Data($0).base64EncodedString() }
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
