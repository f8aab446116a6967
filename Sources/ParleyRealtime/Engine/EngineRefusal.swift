import HTTPTypes
import ParleyHTTP
import ParleyWire

/// Why a request does not belong to a session, as Engine.IO tells it to clients: `{"code":n,"message":"..."}`.
struct EngineRefusal: Error {
    let code: EngineConnectionError.Code
    let message: String
    let context: [String: String]

    private init(_ code: EngineConnectionError.Code, _ message: String, _ context: [String: String]) {
        self.code = code
        self.message = message
        self.context = context
    }

    static func unknownTransport(_ transport: String) -> EngineRefusal {
        EngineRefusal(.unknownTransport, "Transport unknown", ["transport": transport])
    }

    static func unknownSession(_ id: String) -> EngineRefusal {
        EngineRefusal(.unknownSession, "Session ID unknown", ["sid": id])
    }

    static func badHandshakeMethod(_ method: HTTPRequest.Method) -> EngineRefusal {
        EngineRefusal(.badHandshakeMethod, "Bad handshake method", ["method": method.rawValue])
    }

    /// The name is for those who look for the reason; the client isn't told.
    static func badRequest(_ name: String) -> EngineRefusal {
        EngineRefusal(.badRequest, "Bad request", ["name": name])
    }

    static func forbidden(_ name: String, message: String = "Forbidden") -> EngineRefusal {
        EngineRefusal(.forbidden, message, ["name": name])
    }

    static func unsupportedProtocol(_ version: String) -> EngineRefusal {
        EngineRefusal(.unsupportedProtocol, "Unsupported protocol version", ["protocol": version])
    }

    /// The refusal that an error of `allowRequest` stands for.
    static func refused(by error: any Error) -> EngineRefusal {
        switch error {
        case let error as HTTPError: .forbidden("ALLOW_REQUEST", message: error.message)
        case let error as ConnectError: .forbidden("ALLOW_REQUEST", message: error.message)
        default: .forbidden("ALLOW_REQUEST")
        }
    }

    var response: Response {
        var body = Array(#"{"code":\#(code.rawValue),"message":"#.utf8)
        if (try? JSON.encode(message, into: &body)) == nil { body += Array(#""""#.utf8) }
        body.append(UInt8(ascii: "}"))
        return Response(
            status: code == .forbidden ? .forbidden : .badRequest,
            headers: HTTPFields(engineAnswerOf: "application/json"), body: .bytes(body))
    }

    func error(for request: Request) -> EngineConnectionError {
        EngineConnectionError(code: code, message: message, context: context, request: request)
    }
}
