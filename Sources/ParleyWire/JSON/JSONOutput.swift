/// The text that is being written, in memory of its own: appending to it is cheaper than to an array that a class
/// holds, and a small text needs no allocation at all.
///
/// Made only by ``with(_:)``, which owns the memory; nothing may keep a copy beyond that call.
struct JSONOutput {
    private(set) var count = 0
    private var capacity: Int
    private var base: UnsafeMutablePointer<UInt8>
    /// False while the memory is the stack's.
    private var isOnHeap = false

    /// An output without memory, for an encoder that is no longer in use.
    static var none: JSONOutput { JSONOutput(UnsafeMutableBufferPointer(start: nil, count: 0)) }

    private init(_ memory: UnsafeMutableBufferPointer<UInt8>) {
        capacity = memory.count
        base = memory.baseAddress ?? UnsafeMutablePointer(bitPattern: 1).unsafelyUnwrapped
    }

    /// Gives the body an empty output, and appends to `bytes` what it wrote, unless it throws.
    @inline(__always)
    static func with(_ bytes: inout [UInt8], _ body: (inout JSONOutput) throws -> Void) rethrows {
        try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1_024) { memory in
            var output = JSONOutput(memory)
            defer { if output.isOnHeap { output.base.deallocate() } }
            try body(&output)
            bytes.append(contentsOf: output.bytes)
        }
    }

    /// What was written, until the next change.
    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }

    /// Makes room for so many more bytes.
    @inline(__always)
    mutating func reserve(_ additional: Int) {
        if capacity &- count < additional { grow(additional) }
    }

    @inline(never)
    private mutating func grow(_ additional: Int) {
        let larger = max(capacity * 2, count + additional)
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        memory.initialize(from: base, count: count)
        if isOnHeap { base.deallocate() }
        base = memory
        capacity = larger
        isOnHeap = true
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        count &+= 1
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        (base + count).initialize(from: source, count: bytes.count)
        count &+= bytes.count
    }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends text that needs no escaping.
    mutating func append(plain text: String) {
        var text = text
        text.withUTF8 { append($0) }
    }

    /// Appends the bytes from `start` on that need no escaping, sixteen or eight at a time, and returns where it stopped.
    @inline(__always)
    mutating func appendUnescaped(_ utf8: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        reserve(utf8.count &- start)
        var position = start
        let source = UnsafeRawBufferPointer(utf8)
        while position &+ 16 <= utf8.count {
            let chunk = source.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self)
            // In bounds: there is room for all bytes from `position` on, of which there are sixteen at least.
            UnsafeMutableRawPointer(base + count).storeBytes(of: chunk, as: SIMD16<UInt8>.self)
            let first = JSONScanner.firstLane(JSONScanner.escaped(chunk))
            count &+= first ?? 16
            position &+= first ?? 16
            if first != nil { return position }
        }
        while position &+ 8 <= utf8.count {
            let word = source.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            // Bytes from 0x80 need no escape; without their top bit those that look like one are only copied later.
            if JSONScanner.specialBytes(UInt64(littleEndian: word) & 0x7F7F_7F7F_7F7F_7F7F) != 0 { break }
            UnsafeMutableRawPointer(base + count).storeBytes(of: word, as: UInt64.self)
            count &+= 8
            position &+= 8
        }
        while position < utf8.count {
            let byte = utf8[position]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            base[count] = byte
            count &+= 1
            position &+= 1
        }
        return position
    }

    /// Takes back what was written behind an offset.
    mutating func truncate(to length: Int) { count = min(count, max(0, length)) }

    /// Replaces the byte at an offset that was written already.
    mutating func replace(at offset: Int, with byte: UInt8) {
        precondition(offset >= 0 && offset < count)
        base[offset] = byte
    }
}
