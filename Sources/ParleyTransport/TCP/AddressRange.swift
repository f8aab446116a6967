/// A set of addresses: a network in CIDR notation (RFC 4632), a single address, or one of the presets.
///
/// IPv4 addresses mapped into IPv6 (`::ffff:192.0.2.1`) are the IPv4 addresses that they stand for, on both sides of a comparison.
/// The interface of a link-local address doesn't count.
public struct AddressRange: Sendable, Hashable {
    private var networks: [Network] = []
    private var hasUnixSockets = false

    /// 127.0.0.0/8 and `::1`.
    public static let loopback = AddressRange(networks: [.four(0x7F00_0000, 8), .six(0, 1, 128)])

    /// The networks that no one else routes: 10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16 (RFC 1918), and fc00::/7 (RFC 4193).
    public static let privateNetworks = AddressRange(networks: [
        .four(0x0A00_0000, 8), .four(0xAC10_0000, 12), .four(0xC0A8_0000, 16),
        .six(0xFC00_0000_0000_0000, 0, 7),
    ])

    /// Every peer of a Unix domain socket: whoever the socket file's permissions let connect.
    public static let unix = AddressRange(hasUnixSockets: true)

    private init(networks: [Network] = [], hasUnixSockets: Bool = false) {
        self.networks = networks
        self.hasUnixSockets = hasUnixSockets
    }

    /// A network such as `192.0.2.0/24` or `2001:db8::/32`, or an address, which stands for itself alone. Bits behind the prefix
    /// are ignored.
    /// - Throws: ``AddressRangeError`` when the text is neither.
    public init(_ text: String) throws(AddressRangeError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = SocketAddress(host: String(parts[0]), port: 0) else {
            throw AddressRangeError(text: text)
        }
        let width = address.isIPv6 ? 128 : 32
        let length = parts.count == 2 ? Self.length(parts[1].utf8) : width
        guard let length, length <= width else { throw AddressRangeError(text: text) }
        networks = [Network(address, length: length)]
    }

    /// True when the address is one of the range.
    public func contains(_ address: SocketAddress) -> Bool {
        if case .unix = address.storage { return hasUnixSockets }
        guard let (high, low) = address.halves else { return false }
        return networks.contains { $0.contains(high, low) }
    }

    /// One to three decimal digits.
    private static func length(_ digits: Substring.UTF8View) -> Int? {
        guard (1...3).contains(digits.count) else { return nil }
        var value = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int(digit - 0x30)
        }
        return value
    }
}

/// A text that is neither a network in CIDR notation nor an address.
public struct AddressRangeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The text.
    public let text: String

    /// What is wrong.
    public var description: String {
        "\"\(text)\" is neither a network (192.0.2.0/24, 2001:db8::/32) nor an address"
    }
}

extension Sequence<AddressRange> {
    /// True when the address is in one of the ranges.
    public func contains(_ address: SocketAddress) -> Bool {
        contains { $0.contains(address) }
    }
}

/// A prefix of IPv6 addresses. IPv4 ones are held as they are mapped into IPv6, so that there is one kind.
private struct Network: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64
    private let highMask: UInt64
    private let lowMask: UInt64

    init(_ address: SocketAddress, length: Int) {
        let halves = address.halves ?? (0, 0)
        self = .six(halves.high, halves.low, address.isIPv6 ? length : 96 + length)
    }

    private init(high: UInt64, low: UInt64, length: Int) {
        // Shifts by 64 or more are defined, and give 0.
        highMask = ~(UInt64.max >> UInt64(min(length, 64)))
        lowMask = ~(UInt64.max >> UInt64(max(length - 64, 0)))
        self.high = high & highMask
        self.low = low & lowMask
    }

    static func four(_ address: UInt32, _ length: Int) -> Network {
        Network(high: 0, low: 0xFFFF_0000_0000 | UInt64(address), length: 96 + length)
    }

    static func six(_ high: UInt64, _ low: UInt64, _ length: Int) -> Network {
        Network(high: high, low: low, length: length)
    }

    func contains(_ high: UInt64, _ low: UInt64) -> Bool {
        high & highMask == self.high && low & lowMask == self.low
    }
}

extension SocketAddress {
    /// The address as IPv6 in host byte order, an IPv4 one mapped; nil for a Unix domain socket.
    fileprivate var halves: (high: UInt64, low: UInt64)? {
        switch storage {
        case .internet4(let address): (0, 0xFFFF_0000_0000 | UInt64(address))
        case .internet6(let high, let low, _): (high, low)
        case .unix: nil
        }
    }
}
