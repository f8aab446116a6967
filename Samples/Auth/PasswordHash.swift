import Crypto
import CryptoExtras
import Foundation

/// What is kept of a password: a random salt and the key that scrypt derives of both (RFC 7914).
struct PasswordHash: Sendable {
    /// 32 MiB and a fifth of a second or so for each guess, on either side. Store the numbers beside the key where they may
    /// change, as the hashes that there are need the old ones.
    private static let (rounds, blockSize, parallelism) = (1 << 15, 8, 3)

    private let salt: [UInt8]
    private let key: SymmetricKey

    init(of password: String) async throws {
        salt = SymmetricKey(size: .bits128).withUnsafeBytes { Array($0) }
        key = try await Self.derive(password, salt)
    }

    /// Whether the password is the same; keys are compared in constant time.
    func matches(_ password: String) async throws -> Bool {
        try await Self.derive(password, salt) == key
    }

    /// Away from the event loop, which has other clients to serve meanwhile.
    private static func derive(_ password: String, _ salt: [UInt8]) async throws -> SymmetricKey {
        try await withTaskExecutorPreference(globalConcurrentExecutor) {
            try KDF.Scrypt.deriveKey(
                from: Array(password.utf8), salt: salt, outputByteCount: 32, rounds: rounds,
                blockSize: blockSize,
                parallelism: parallelism)
        }
    }
}
