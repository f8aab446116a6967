/// Memory of one event loop into which bytes are decoded on their way to a handler, so that no connection needs any.
struct ScratchMemory: ~Copyable {
    /// Less than a processor's second-level cache.
    static let size = 64 * 1024

    /// Nil until it is first used, and while it is in use.
    private var spare: UnsafeMutableRawBufferPointer?

    /// Memory to use until it is given back. Whoever decodes within the handler of another one gets some of its own.
    mutating func take() -> UnsafeMutableRawBufferPointer {
        if let spare {
            self.spare = nil
            return spare
        }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.size, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        return memory
    }

    mutating func put(_ memory: UnsafeMutableRawBufferPointer) {
        if spare == nil { spare = memory } else { memory.deallocate() }
    }

    deinit {
        spare?.deallocate()
    }
}
