/// What went wrong with an event.
public struct EventError: Error, Sendable, CustomStringConvertible {
    /// The stage at which it went wrong.
    public enum Stage: Sendable, Equatable {
        /// A middleware of the namespace or the socket refused the event: no handler was called.
        case middleware
        /// The arguments are not what the handler takes.
        case arguments
        /// The handler threw.
        case handler
        /// The name may not be emitted.
        case reservedName
    }

    /// The event's name.
    public let event: String
    /// The stage.
    public let stage: Stage
    /// The error behind it: a `DecodingError` for arguments.
    public let underlying: (any Error)?

    /// Where in the arguments the value is that does not fit, such as `[0].address.lines[2]`: the argument's position from 0, then
    /// members and positions inside it. Nil when the error is not about arguments.
    public var path: String? {
        guard stage == .arguments, let context = (underlying as? DecodingError)?.context else { return nil }
        var keys = context.codingPath
        if case .keyNotFound(let key, _)? = underlying as? DecodingError { keys.append(key) }
        // A path begins with the position in the packet's array, where the event's name is first.
        guard let position = keys.first?.intValue else { return nil }
        return keys.dropFirst().reduce(into: "[\(position - 1)]") { path, key in
            path += key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)"
        }
    }

    /// The event, the stage and the error behind it.
    public var description: String {
        let cause = underlying.map { "\($0)" } ?? ""
        return switch stage {
        case .middleware: "event \"\(event)\" refused: \(cause)"
        case .arguments: "event \"\(event)\": argument\(path ?? "s"): \(reason ?? cause)"
        case .handler: "event \"\(event)\": handler threw: \(cause)"
        case .reservedName: "event name \"\(event)\" is reserved by Socket.IO"
        }
    }

    /// What a decoder says, without what `path` says.
    private var reason: String? {
        guard let error = underlying as? DecodingError, let context = error.context else { return nil }
        if case .keyNotFound = error { return "is missing" }
        return context.debugDescription
    }
}

extension DecodingError {
    fileprivate var context: Context? {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            context
        @unknown default: nil
        }
    }
}
