import Testing

@testable import ParleyHTTP

/// RFC 9110 14.1.2, 14.2.
@Suite struct ByteRangeTests {
    @Test(
        arguments: [
            ("bytes=0-0", 0..<1), ("bytes=0-99", 0..<100), ("bytes=10-19", 10..<20),
            ("bytes=99-99", 99..<100),
            ("bytes=10-", 10..<100), ("bytes=0-", 0..<100), ("bytes=99-", 99..<100),
            ("bytes=-1", 99..<100), ("bytes=-30", 70..<100), ("bytes=-100", 0..<100), ("bytes=-101", 0..<100),
            ("bytes=90-1000", 90..<100), ("bytes=0-18446744073709551615", 0..<100),
            ("bytes=5-99999999999999999999999999999", 5..<100),
            ("bytes=-99999999999999999999999999999", 0..<100),
            ("BYTES=1-2", 1..<3), ("bytes= 1-2", 1..<3), ("bytes=1-2 ", 1..<3), ("bytes=,1-2,", 1..<3),
            ("bytes=007-008", 7..<9), ("bytes=00000000000000000000000000000000001-2", 1..<3),
        ] as [(String, Range<UInt64>)])
    func `One range of a hundred bytes is that part`(field: String, part: Range<UInt64>) {
        #expect(RangeSelection(field: field, size: 100) == .part(part))
    }

    @Test(arguments: [
        "bytes=100-", "bytes=100-200", "bytes=18446744073709551615-", "bytes=99999999999999999999999999-",
        "bytes=-0",
        "bytes=-000", "bytes=18446744073709551615-18446744073709551615",
    ])
    func `A range without a byte of the content is unsatisfiable`(field: String) {
        #expect(RangeSelection(field: field, size: 100) == .unsatisfiable)
    }

    @Test(arguments: [
        "", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=1", "bytes=2-1", "bytes=1-2x",
        "bytes=+1-2",
        "bytes=1 -2", "bytes=1- 2", "bytes=--1", "bytes=1--2", "bytes=0x1-2", "bytes 1-2", "items=1-2",
        "bytes =1-2",
        "bytes=1-2;3-4", "bytes=\u{661}-\u{662}", "bytes=1-2,x", "=1-2", "byte=1-2",
        "bytes=1-18446744073709551616a",
    ])
    func `A syntax error or another unit is ignored`(field: String) {
        #expect(RangeSelection(field: field, size: 100) == .whole)
    }

    @Test(
        arguments: [
            ("bytes=0-1,5-6", [0..<2, 5..<7]), ("bytes=5-6,0-1", [5..<7, 0..<2]),
            ("bytes=0-1,2-3", [0..<2, 2..<4]),
            ("bytes=0-0,-1", [0..<1, 99..<100]), ("bytes=0-9, 50-, 10-11", [0..<10, 50..<100, 10..<12]),
            // What doesn't exist is left out.
            ("bytes=0-1,100-,5-6,-0", [0..<2, 5..<7]),
        ] as [(String, [Range<UInt64>])])
    func `Several ranges are those parts in their order`(field: String, parts: [Range<UInt64>]) {
        #expect(RangeSelection(field: field, size: 100) == .parts(parts))
    }

    @Test func `Of several ranges one may be left, or none`() {
        #expect(RangeSelection(field: "bytes=100-,5-6", size: 100) == .part(5..<7))
        #expect(RangeSelection(field: "bytes=100-,200-", size: 100) == .unsatisfiable)
        #expect(RangeSelection(field: "bytes=0-,-1", size: 0) == .whole)
        #expect(RangeSelection(field: nil, size: 100) == .whole)
    }

    @Test(arguments: [
        "bytes=0-1,0-1", "bytes=0-,0-,0-", "bytes=0-10,5-20", "bytes=5-20,0-10", "bytes=0-,-1",
        "bytes=0-99,50-50",
        "bytes=50-50,0-99", "bytes=0-0,2-2,4-4,3-5",
    ])
    func `Ranges that overlap are answered with the whole content`(field: String) {
        #expect(RangeSelection(field: field, size: 100) == .whole)
    }

    @Test func `Ranges are read in their order, up to sixteen`() {
        #expect(
            ByteRange.parse("bytes=0-1, 5-,-7") == [
                .positions(first: 0, last: 1), .positions(first: 5, last: nil), .suffix(7),
            ])
        let sixteen = "bytes=" + Array(repeating: "0-0", count: 16).joined(separator: ",")
        #expect(ByteRange.parse(sixteen)?.count == 16)
        #expect(ByteRange.parse(sixteen + ",0-0") == nil)
        #expect(ByteRange.parse("bytes=" + String(repeating: "0-0,", count: 100_000)) == nil)
    }

    @Test func `An empty content has no positions, but an end`() {
        #expect(RangeSelection(field: "bytes=0-", size: 0) == .unsatisfiable)
        #expect(RangeSelection(field: "bytes=0-0", size: 0) == .unsatisfiable)
        #expect(RangeSelection(field: "bytes=-5", size: 0) == .whole)
        #expect(RangeSelection(field: "bytes=-0", size: 0) == .unsatisfiable)
    }

    @Test func `Every first and last position of a short content selects what it says`() {
        for size in UInt64(1)...6 {
            for first in UInt64(0)...7 {
                for last in first...8 {
                    let expected: RangeSelection =
                        first < size ? .part(first..<min(last + 1, size)) : .unsatisfiable
                    #expect(RangeSelection(field: "bytes=\(first)-\(last)", size: size) == expected)
                }
            }
        }
    }
}
