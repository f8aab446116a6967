import COpenSSL

/// The errors that OpenSSL keeps for each thread, and that whoever calls it next would find.
enum OpenSSLErrors {
    /// Forgets all errors of this thread.
    static func clear() {
        // There is none as a rule, and finding that out is far cheaper.
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    /// Takes the errors of this thread, and puts the one that came first, the cause of the others, into words.
    static func take() -> String {
        let code = ERR_peek_error()
        defer { ERR_clear_error() }
        guard code != 0 else { return "unknown error" }
        guard let reason = ERR_reason_error_string(code) else { return "error \(String(code, radix: 16))" }
        return String(cString: reason)
    }

    /// Whether the first error of this thread is the given one of the TLS library (`SSL_R_...`).
    static func isTLS(_ reason: Int32) -> Bool {
        let code = ERR_peek_error()
        return ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == reason
    }

    /// Whether the last error of this thread is that a text has no further PEM block.
    static var isEndOfPEM: Bool {
        let code = ERR_peek_last_error()
        return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE
    }
}
