import ParleyWire

/// What names the state of a representation: compared with what a request's conditions name.
struct Validators: Sendable, Equatable {
    let entityTag: EntityTag
    /// In whole seconds since 1970.
    let lastModified: Int64
}

/// The conditions of a GET or HEAD request (RFC 9110 13.1), as their fields have them.
struct Preconditions: Sendable, Equatable {
    var ifMatch: String?
    var ifUnmodifiedSince: String?
    var ifNoneMatch: String?
    var ifModifiedSince: String?
    var ifRange: String?

    /// What the conditions come to.
    enum Outcome: Equatable {
        case proceed
        /// 304
        case notModified
        /// 412
        case failed
    }

    /// Evaluates the conditions in the order of RFC 9110 13.2.2, steps 1 to 4. A date that is none is ignored.
    /// - Parameter now: the present in seconds since 1970, for dates whose year has two digits.
    func evaluate(against current: Validators, now: Int64) -> Outcome {
        if let ifMatch {
            guard current.entityTag.isListed(in: ifMatch, .strong) else { return .failed }
        } else if let date = Self.date(ifUnmodifiedSince, now) {
            guard current.lastModified <= date else { return .failed }
        }
        if let ifNoneMatch {
            return current.entityTag.isListed(in: ifNoneMatch, .weak) ? .notModified : .proceed
        }
        if let date = Self.date(ifModifiedSince, now), current.lastModified <= date { return .notModified }
        return .proceed
    }

    /// Step 5: whether a `Range` field may be looked at (RFC 9110 13.1.5). Without `If-Range` it may.
    ///
    /// A date has to be the very one that was sent, and old enough that the file can't change again within its
    /// second: otherwise it does not tell the bytes of two states apart.
    func allowsRange(of current: Validators, now: Int64) -> Bool {
        guard let ifRange else { return true }
        if let tag = EntityTag.whole(ifRange) { return current.entityTag.matches(tag, .strong) }
        guard let date = Self.date(ifRange, now) else { return false }
        return date == current.lastModified && date < now
    }

    private static func date(_ field: String?, _ now: Int64) -> Int64? {
        field.flatMap { HTTPDate.parse($0, now: now) }
    }
}
