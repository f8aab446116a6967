/// A message that comes in fragments, or in one frame that the input cuts. What comes of a compressed one is passed on at once:
/// of it, this has the account only.
struct WebSocketAssembly: Sendable {
    let isText: Bool
    let isCompressed: Bool
    private(set) var bytes: [UInt8] = []
    private var fragments = 0
    /// The bytes that its frames announced so far.
    private var length = 0
    /// What its tiny fragments are charged.
    private var charge = 0
    private var validator = UTF8StreamValidator()

    /// Charges below this are never too much, so that a small limit doesn't outlaw fragments.
    private static let freeCharge = 64 * 1024

    /// A message that the header begins. The frame has yet to be added, if it is a fragment.
    init(_ header: WebSocketFrameHeader) {
        isText = header.opcode == .text
        isCompressed = header.isCompressed
    }

    /// Accounts for another fragment by what its header announces.
    mutating func add(_ frameLength: Int, limits: WebSocketLimits) throws(WebSocketError) {
        // `length` never exceeds the maximum, so neither operation overflows.
        let maximum = isCompressed ? limits.compressedBytes : limits.messageBytes
        guard frameLength <= maximum &- length else { throw .messageTooLong }
        length &+= frameLength
        fragments &+= 1
        guard fragments <= limits.fragments else { throw .tooManyFragments }
        if frameLength < limits.tinyFragmentBytes { charge &+= limits.tinyFragmentBytes }
        guard charge <= max(maximum &- length, Self.freeCharge) else { throw .tinyFragments }
    }

    /// Takes bytes that arrived, unmasked. Text fails at the first byte that isn't UTF-8.
    mutating func append(_ piece: Span<UInt8>) throws(WebSocketError) {
        bytes.append(bytes: piece)
        guard isText else { return }
        guard validator.consume(piece) else { throw .text }
    }

    /// True when the text doesn't end within a character.
    var isCompleteText: Bool { validator.isComplete }
}
