/// Why the beginning of a connection is no PROXY protocol header. Sections are those of `proxy-protocol.txt`.
public enum ProxyHeaderError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The connection begins with something else.
    case missing
    /// The line of version 1 is longer than 107 bytes.
    case lineTooLong
    /// The line of version 1 isn't what it should be.
    case malformedLine
    /// The header of version 2 announces more bytes than are allowed.
    case tooLong(bytes: Int, limit: Int)
    /// A version that isn't 2, behind the binary signature.
    case unknownVersion(UInt8)
    /// A command that isn't LOCAL or PROXY.
    case unknownCommand(UInt8)
    /// A transport and family that no version knows.
    case unknownFamily(UInt8)
    /// Fewer bytes than the family's addresses need.
    case addressesCutOff
    /// A value whose length leads beyond the header, or that its type doesn't allow.
    case malformedValue(type: UInt8)
    /// A checksum that doesn't match.
    case wrongChecksum

    /// The rule or limit that was broken.
    public var description: String {
        switch self {
        case .missing: "no PROXY protocol header (2)"
        case .lineTooLong: "PROXY line longer than 107 bytes (2.1)"
        case .malformedLine: "malformed PROXY line (2.1)"
        case .tooLong(let bytes, let limit):
            "PROXY header of \(bytes) bytes exceeds maximumHeaderBytes, \(limit)"
        case .unknownVersion(let version): "PROXY version \(version) (2.2)"
        case .unknownCommand(let command): "PROXY command \(command) (2.2)"
        case .unknownFamily(let family): "PROXY address family and transport \(family) (2.2)"
        case .addressesCutOff: "PROXY header too short for its addresses (2.2)"
        case .malformedValue(let type): "malformed PROXY value of type \(type) (2.2)"
        case .wrongChecksum: "wrong checksum of the PROXY header (2.2.3)"
        }
    }
}
