/// A point of the monotonic clock in whole milliseconds, as an event loop caches it: it never jumps with the
/// wall clock, and is only comparable within one process.
public struct MonotonicInstant: InstantProtocol, Sendable, Hashable {
    /// Milliseconds since an arbitrary start, such as the machine's boot.
    public var milliseconds: UInt64

    /// An instant at that many milliseconds of the monotonic clock.
    public init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    /// The instant that much later (or earlier, for a negative duration); saturates at both ends.
    public func advanced(by duration: Duration) -> MonotonicInstant {
        if duration < .zero {
            let earlier = milliseconds.subtractingReportingOverflow((.zero - duration).wholeMilliseconds)
            return MonotonicInstant(milliseconds: earlier.overflow ? 0 : earlier.partialValue)
        }
        let later = milliseconds.addingReportingOverflow(duration.wholeMilliseconds)
        return MonotonicInstant(milliseconds: later.overflow ? .max : later.partialValue)
    }

    /// The time from this instant to the other one; negative when the other one is earlier.
    public func duration(to other: MonotonicInstant) -> Duration {
        if other.milliseconds >= milliseconds {
            return .milliseconds(Int64(clamping: other.milliseconds - milliseconds))
        }
        return .milliseconds(-Int64(clamping: milliseconds - other.milliseconds))
    }

    /// Whether the left instant is the earlier one.
    public static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
        left.milliseconds < right.milliseconds
    }
}

extension Duration {
    /// This duration in milliseconds, rounded up so that a timer never fires early; zero when negative.
    var wholeMilliseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let attosecondsInMillisecond: Int64 = 1_000_000_000_000_000
        let fraction = (attoseconds + attosecondsInMillisecond - 1) / attosecondsInMillisecond
        let whole = UInt64(seconds).multipliedReportingOverflow(by: 1000)
        let sum = whole.partialValue.addingReportingOverflow(UInt64(fraction))
        return whole.overflow || sum.overflow ? .max : sum.partialValue
    }
}
