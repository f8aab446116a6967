/// Which identity serves which host name: the names of several certificates, for the choice by SNI.
///
/// Names are compared as bytes, ASCII case-insensitively (RFC 4343). A wildcard stands for exactly one label, the
/// left-most one (RFC 6125, section 6.4.3), and an exact name goes before it. Where two identities have the same name
/// the first one has it.
struct ServerNames {
    private var exact: [[UInt8]: Int] = [:]
    /// By what follows the `*.`.
    private var wildcards: [[UInt8]: Int] = [:]

    /// Gives a name to an identity, unless another one has it already.
    mutating func add(_ name: String, identity: Int) {
        let bytes = Self.normalized(name.utf8)
        if bytes.starts(with: [UInt8(ascii: "*"), UInt8(ascii: ".")]) {
            wildcards.merge([Array(bytes.dropFirst(2)): identity]) { first, _ in first }
        } else {
            exact.merge([bytes: identity]) { first, _ in first }
        }
    }

    /// The identity for a host name, without or with the final dot of the root; nil when none is for it.
    func identity(for name: some Sequence<UInt8>) -> Int? {
        let bytes = Self.normalized(name)
        if let identity = exact[bytes] { return identity }
        guard let dot = bytes.firstIndex(of: UInt8(ascii: ".")), dot > 0 else { return nil }
        return wildcards[Array(bytes[(dot + 1)...])]
    }

    /// The name in lower case, without the final dot of the root.
    static func normalized(_ name: some Sequence<UInt8>) -> [UInt8] {
        var bytes = name.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
        if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
        return bytes
    }
}
