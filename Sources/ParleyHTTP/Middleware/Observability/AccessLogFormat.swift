import Foundation
import HTTPTypes
import ParleyWire

/// What a line of the ``AccessLog`` looks like.
public struct AccessLogFormat: Sendable {
    /// Makes a line.
    public typealias Line = @Sendable (AccessLogEntry) -> String
    /// Takes a line, which has no end of line. Called on the connection's loop: it must not block for long.
    public typealias Write = @Sendable (String) -> Void

    enum Kind: Sendable {
        case structured
        case line(Line, write: Write?)
    }

    let kind: Kind

    /// True where lines go to a closure, whatever the logger's level is.
    var needsNoLogger: Bool {
        if case .line(_, .some) = kind { return true }
        return false
    }

    /// A message with metadata.
    public static let structured = AccessLogFormat(kind: .structured)

    /// The Combined Log Format of Apache and nginx, without the query, which may hold secrets. Lines are the logger's messages,
    /// or go to the closure.
    public static func combined(includesQuery: Bool = false, write: Write? = nil) -> AccessLogFormat {
        AccessLogFormat(kind: .line({ CombinedLogLine.make($0, includesQuery: includesQuery) }, write: write))
    }

    /// A text of the application's own. Lines are the logger's messages, or go to the closure.
    public static func custom(_ line: @escaping Line, write: Write? = nil) -> AccessLogFormat {
        AccessLogFormat(kind: .line(line, write: write))
    }
}

/// `client - - [time] "request line" status bytes "referer" "user agent"`
private enum CombinedLogLine {
    static func make(_ entry: AccessLogEntry, includesQuery: Bool) -> String {
        let request = entry.request
        let target = includesQuery ? request.target : String(request.rawPath)
        let line = "\(request.method.rawValue) \(target) \(request.version)"
        let bytes = entry.bytes.map { $0 == 0 ? "-" : "\($0)" } ?? "-"
        return """
            \(request.clientAddress?.host ?? "-") - - [\(time(Date()))] "\(escaped(line))" \
            \(entry.status.code) \(bytes) "\(escaped(request.header(.referer)))" \
            "\(escaped(request.header(.userAgent)))"
            """
    }

    /// `26/Nov/2026:14:30:12 +0000`, out of the parts of an HTTP date (RFC 9110 5.6.7), which all have their place.
    private static func time(_ date: Date) -> String {
        let parts = HTTPDate.bytes(Int64(date.timeIntervalSince1970))
        guard parts.count >= 25 else { return "-" }
        let slash: [UInt8] = [0x2F]
        let day = parts[5..<7] + slash + parts[8..<11] + slash + parts[12..<16]
        return String(decoding: day + [0x3A] + parts[17..<25], as: UTF8.self) + " +0000"
    }

    /// Quotes, backslashes and what is not printable ASCII, as nginx escapes it: nobody can forge a line.
    private static func escaped(_ text: String?) -> String {
        guard let text, !text.isEmpty else { return "-" }
        guard text.utf8.contains(where: needsEscape) else { return text }
        var escaped: [UInt8] = []
        for byte in text.utf8 {
            if needsEscape(byte) {
                let digits = String(byte, radix: 16, uppercase: true)
                escaped += Array("\\x".utf8) + (digits.utf8.count == 1 ? [0x30] : []) + Array(digits.utf8)
            } else {
                escaped.append(byte)
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte >= 0x7F || byte == 0x22 || byte == 0x5C
    }
}
