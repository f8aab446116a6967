import ParleyWire

/// The value of `Content-Security-Policy`: a text, or directives one by one. `{nonce}` stands for a value that is made anew for
/// each request, and that pages get from ``Request/contentSecurityPolicyNonce``.
///
/// ```swift
/// let policy = ContentSecurityPolicy()
///     .directive("default-src", "'self'")
///     .directive("script-src", "'self'", "'nonce-{nonce}'")
/// ```
public struct ContentSecurityPolicy: Sendable, Equatable, ExpressibleByStringLiteral {
    /// The policy, with `{nonce}` where the nonce is to be.
    public private(set) var text: String
    private(set) var hasNonce: Bool

    /// A policy of a text: directives with semicolons between them.
    public init(_ text: String = "") {
        self.text = text
        hasNonce = text.contains("{nonce}")
    }

    /// A policy of a text.
    public init(stringLiteral text: String) { self.init(text) }

    /// The policy with one more directive.
    public func directive(_ name: String, _ sources: String...) -> ContentSecurityPolicy {
        let directive = ([name] + sources).joined(separator: " ")
        return ContentSecurityPolicy(text.isEmpty ? directive : text + "; " + directive)
    }

    func text(with nonce: Nonce) -> String { text.replacing("{nonce}", with: nonce.value) }

    /// 128 bits of the system's secure random generator, in base64.
    struct Nonce: Sendable {
        let value: String

        init() {
            var generator = SystemRandomNumberGenerator()
            var random: [UInt8] = []
            for _ in 0..<2 {
                let bits: UInt64 = generator.next()
                for shift in stride(from: 0, to: 64, by: 8) {
                    random.append(UInt8(truncatingIfNeeded: bits >> shift))
                }
            }
            var text: [UInt8] = []
            Base64.encode(random.span, into: &text)
            value = String(decoding: text, as: UTF8.self)
        }
    }
}

extension Request {
    /// What the content security policy of the answer calls its nonce, for the `nonce` attribute of scripts and styles; nil
    /// unless ``SecurityHeaders`` is in front with a policy that has one.
    public var contentSecurityPolicyNonce: String? { self[ContentSecurityPolicy.Nonce.self]?.value }
}
