#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The memory of one session for nghttp2, which asks for a dozen small blocks a request: freed ones are kept, up to a bound,
/// by their size. It is used by one thread at a time, as its session is.
///
/// A block has 16 bytes in front of what is given out: the number of its list (0 when it is too large for one) and its
/// capacity. While it is free its first bytes hold the next one of the list.
final class HTTP2Memory {
    private static let headerSize = 16
    private static let granule = 32
    /// Lists for blocks of 1 to 32 granules; what is larger goes back to the system.
    private static let listCount = 33
    /// The bytes that are kept.
    private static let mostHeld = 16 * 1024

    private let lists = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: listCount)
    private var held = 0

    init() { lists.initialize(repeating: nil, count: Self.listCount) }

    deinit {
        for index in 0..<Self.listCount {
            while let block = take(from: index) { free(block) }
        }
        lists.deallocate()
    }

    /// A block of so many bytes; nil when there is no memory.
    func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
        let list = size <= Self.granule * (Self.listCount - 1) ? (size + Self.granule - 1) / Self.granule : 0
        if list > 0, let block = take(from: list) { return block + Self.headerSize }
        let capacity = list > 0 ? list * Self.granule : size
        let (total, overflow) = capacity.addingReportingOverflow(Self.headerSize)
        guard !overflow, let block = malloc(total) else { return nil }
        block.storeBytes(of: list, as: Int.self)
        block.storeBytes(of: capacity, toByteOffset: 8, as: Int.self)
        return block + Self.headerSize
    }

    /// Takes a block back, whose bytes are of no meaning any more.
    func release(_ pointer: UnsafeMutableRawPointer?) {
        guard let pointer else { return }
        let block = pointer - Self.headerSize
        let list = block.load(as: Int.self)
        let capacity = block.load(fromByteOffset: 8, as: Int.self)
        guard list > 0, held + capacity <= Self.mostHeld else { return free(block) }
        held += capacity
        pointer.storeBytes(of: lists[list], as: UnsafeMutableRawPointer?.self)
        lists[list] = block
    }

    /// A block of another size with the same bytes, as far as they fit.
    func resize(_ pointer: UnsafeMutableRawPointer?, to size: Int) -> UnsafeMutableRawPointer? {
        guard let pointer else { return allocate(size) }
        let capacity = (pointer - Self.headerSize).load(fromByteOffset: 8, as: Int.self)
        if size <= capacity { return pointer }
        guard let larger = allocate(size) else { return nil }
        larger.copyMemory(from: pointer, byteCount: capacity)
        release(pointer)
        return larger
    }

    /// A block of zeros.
    func allocateZeros(_ count: Int, _ size: Int) -> UnsafeMutableRawPointer? {
        let (total, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow, let pointer = allocate(total) else { return nil }
        memset(pointer, 0, total)
        return pointer
    }

    private func take(from list: Int) -> UnsafeMutableRawPointer? {
        guard let block = lists[list] else { return nil }
        lists[list] = (block + Self.headerSize).load(as: UnsafeMutableRawPointer?.self)
        held -= list * Self.granule
        return block
    }
}
