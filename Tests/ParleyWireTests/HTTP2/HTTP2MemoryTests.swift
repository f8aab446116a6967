import Testing

@testable import ParleyWire

@Suite("HTTP/2: a session's memory")
struct HTTP2MemoryTests {
    @Test("blocks are apart, keep their bytes when they are resized, and are used again")
    func blocks() throws {
        let memory = HTTP2Memory()
        let first = try #require(memory.allocate(40))
        first.initializeMemory(as: UInt8.self, repeating: 7, count: 40)
        let second = try #require(memory.allocateZeros(5, 8))
        #expect((0..<40).allSatisfy { second.load(fromByteOffset: $0, as: UInt8.self) == 0 })
        let grown = try #require(memory.resize(first, to: 5000))
        #expect((0..<40).allSatisfy { grown.load(fromByteOffset: $0, as: UInt8.self) == 7 })
        #expect(memory.allocate(60) == first, "what was freed is given out again")
        #expect(memory.resize(second, to: 64) == second, "there was room")
        for pointer in [first, second, grown] { memory.release(pointer) }
        memory.release(nil)
        #expect(memory.allocateZeros(Int.max, 2) == nil && memory.allocate(Int.max) == nil)
    }

    @Test("random use gives no block out twice")
    func randomUse() throws {
        let memory = HTTP2Memory()
        var random = SystemRandomNumberGenerator()
        var live: [(pointer: UnsafeMutableRawPointer, size: Int, mark: UInt8)] = []
        for _ in 0..<20_000 {
            if live.count < 200, Bool.random(using: &random) {
                let size = Int.random(in: 1...1500, using: &random)
                let mark = UInt8.random(in: 0...255, using: &random)
                let pointer = try #require(memory.allocate(size))
                pointer.initializeMemory(as: UInt8.self, repeating: mark, count: size)
                live.append((pointer, size, mark))
            } else if let index = live.indices.randomElement(using: &random) {
                let block = live.remove(at: index)
                let bytes = UnsafeRawBufferPointer(start: block.pointer, count: block.size)
                guard bytes.allSatisfy({ $0 == block.mark }) else {
                    Issue.record("a block of \(block.size) was written to by another")
                    return
                }
                memory.release(block.pointer)
            }
        }
        for block in live { memory.release(block.pointer) }
    }
}
