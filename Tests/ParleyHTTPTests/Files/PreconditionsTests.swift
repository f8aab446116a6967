import ParleyWire
import Testing

@testable import ParleyHTTP

/// RFC 9110 13.1 and 13.2.2.
@Suite struct PreconditionsTests {
    private static let modified: Int64 = 1_000_000_000
    private static let now: Int64 = 1_700_000_000
    private static let current = Validators(entityTag: EntityTag("abc"), lastModified: modified)
    private static let before = HTTPDate.string(modified - 1)
    private static let same = HTTPDate.string(modified)
    private static let after = HTTPDate.string(modified + 1)

    private func outcome(_ conditions: Preconditions) -> Preconditions.Outcome {
        conditions.evaluate(against: Self.current, now: Self.now)
    }

    @Test func `Without conditions the request proceeds`() {
        #expect(outcome(Preconditions()) == .proceed)
    }

    @Test(
        arguments: [
            ("\"abc\"", .proceed), ("*", .proceed), ("\"x\", \"abc\"", .proceed),
            ("\"x\",,\t\"abc\" ,", .proceed),
            ("\"a,b\", \"abc\"", .proceed), ("W/\"abc\"", .failed), ("\"x\"", .failed), ("abc", .failed),
            ("", .failed),
            ("\"abc", .failed), ("\"ABC\"", .failed), ("* , \"x\"", .failed), ("\"x\" \"abc\"", .failed),
            ("w/\"abc\"", .failed), ("\"abc\"x", .failed),
        ] as [(String, Preconditions.Outcome)])
    func `If-Match compares strongly`(field: String, expected: Preconditions.Outcome) {
        #expect(outcome(Preconditions(ifMatch: field)) == expected)
    }

    @Test(
        arguments: [
            ("\"abc\"", .notModified), ("W/\"abc\"", .notModified), ("*", .notModified),
            ("W/\"x\", W/\"abc\", \"y\"", .notModified), ("\"x\",\"abc\"", .notModified), ("\"x\"", .proceed),
            ("", .proceed), ("abc", .proceed), ("\"x\" \"abc\"", .proceed), ("\"\"", .proceed),
        ] as [(String, Preconditions.Outcome)])
    func `If-None-Match compares weakly`(field: String, expected: Preconditions.Outcome) {
        #expect(outcome(Preconditions(ifNoneMatch: field)) == expected)
    }

    @Test(
        arguments: [
            (before, .failed), (same, .proceed), (after, .proceed), ("yesterday", .proceed), ("", .proceed),
            ("\(before), \(before)", .proceed),
        ] as [(String, Preconditions.Outcome)])
    func `If-Unmodified-Since fails for what was modified later`(
        field: String, expected: Preconditions.Outcome
    ) {
        #expect(outcome(Preconditions(ifUnmodifiedSince: field)) == expected)
    }

    @Test(
        arguments: [
            (before, .proceed), (same, .notModified), (after, .notModified), ("yesterday", .proceed),
            ("Sunday, 09-Sep-01 01:46:40 GMT", .notModified), ("Sun Sep  9 01:46:39 2001", .proceed),
            ("Sun Sep  9 01:46:40 2001", .notModified),
        ] as [(String, Preconditions.Outcome)])
    func `If-Modified-Since answers 304 for what was not modified later`(
        field: String, expected: Preconditions.Outcome
    ) {
        #expect(outcome(Preconditions(ifModifiedSince: field)) == expected)
    }

    @Test func `Tags go before dates, and If-Match before If-None-Match`() {
        // Step 1 and 2: If-Unmodified-Since is not looked at beside If-Match.
        #expect(outcome(Preconditions(ifMatch: "\"abc\"", ifUnmodifiedSince: Self.before)) == .proceed)
        #expect(outcome(Preconditions(ifMatch: "\"x\"", ifUnmodifiedSince: Self.after)) == .failed)
        // Step 3 and 4: If-Modified-Since is not looked at beside If-None-Match.
        #expect(outcome(Preconditions(ifNoneMatch: "\"x\"", ifModifiedSince: Self.after)) == .proceed)
        #expect(outcome(Preconditions(ifNoneMatch: "\"abc\"", ifModifiedSince: Self.before)) == .notModified)
        #expect(outcome(Preconditions(ifMatch: "\"x\"", ifNoneMatch: "\"abc\"")) == .failed)
        #expect(outcome(Preconditions(ifMatch: "\"abc\"", ifNoneMatch: "\"abc\"")) == .notModified)
        #expect(outcome(Preconditions(ifUnmodifiedSince: Self.before, ifNoneMatch: "\"abc\"")) == .failed)
        #expect(outcome(Preconditions(ifMatch: "*", ifModifiedSince: Self.same)) == .notModified)
    }

    @Test(
        arguments: [
            ("\"abc\"", true), ("W/\"abc\"", false), ("\"x\"", false), (same, true), (before, false),
            (after, false),
            ("", false), ("nonsense", false), ("*", false), ("\"abc\", \"abc\"", false),
        ] as [(String, Bool)])
    func `If-Range allows a range of exactly this state`(field: String, isAllowed: Bool) {
        let conditions = Preconditions(ifRange: field)
        #expect(conditions.allowsRange(of: Self.current, now: Self.now) == isAllowed)
        #expect(conditions.evaluate(against: Self.current, now: Self.now) == .proceed)
    }

    @Test func `A date within the second of its file's modification is no strong validator`() {
        let conditions = Preconditions(ifRange: Self.same)
        #expect(!conditions.allowsRange(of: Self.current, now: Self.modified))
        #expect(conditions.allowsRange(of: Self.current, now: Self.modified + 1))
    }
}
