import HTTPTypes

/// The value of `WWW-Authenticate` (RFC 9110 11.6.1), which a 401 must have.
struct AuthChallenge: Sendable {
    private(set) var value: String

    /// - Parameter parameters: their values are written as quoted strings; what these can't hold is left out.
    init(_ scheme: String, _ parameters: KeyValuePairs<String, String?>) {
        let pairs = parameters.compactMap { name, value in value.map { "\(name)=\(Self.quoted($0))" } }
        value = pairs.isEmpty ? scheme : scheme + " " + pairs.joined(separator: ", ")
    }

    /// The error that asks for credentials, or for better ones.
    func error(_ status: HTTPResponse.Status = .unauthorized, _ message: String? = nil) -> HTTPError {
        HTTPError(status, message, headers: [.wwwAuthenticate: value])
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars where scalar.value >= 0x20 && scalar.value != 0x7F {
            if scalar == "\"" || scalar == "\\" { quoted.append("\\") }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}

/// The credentials of an `Authorization` field (RFC 9110 11.4).
enum AuthCredentials {
    /// What follows the scheme, without blanks around it; nil where the field is of another scheme. Case doesn't matter in
    /// the scheme.
    static func parameters(of field: String, scheme: StaticString) -> Substring? {
        let bytes = field.utf8
        let name = bytes.prefix { $0 != 0x20 }
        let isScheme = scheme.withUTF8Buffer { expected in
            name.count == expected.count
                && zip(name, expected).allSatisfy { $0 | 0x20 == $1 | 0x20 }
        }
        return isScheme ? Substring(bytes.dropFirst(name.count)).trimmingBlanks : nil
    }
}

extension Next {
    /// Passes a request without credentials on, and adds the challenge where somebody further in asks for them.
    nonisolated(nonsending) func callAsFunction(
        _ request: Request, offering challenge: AuthChallenge
    ) async throws
        -> Response
    {
        do {
            return try await self(request)
        } catch var error as HTTPError where error.status == .unauthorized {
            error.headers.append(HTTPField(name: .wwwAuthenticate, value: challenge.value))
            throw error
        }
    }
}

extension Request {
    /// The value of this type that middleware stored: who the client is, behind authentication that is optional.
    ///
    /// Throws ``HTTPError`` 401 when there is none.
    public func require<Identity: Sendable>(_ type: Identity.Type = Identity.self) throws -> Identity {
        guard let identity = self[type] else { throw HTTPError(.unauthorized) }
        return identity
    }
}
