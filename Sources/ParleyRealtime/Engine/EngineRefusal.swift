import HTTPTypes
import ParleyHTTP

/// Why a request does not belong to a session, as Engine.IO tells it to clients: `{"code":n,"message":"..."}`.
enum EngineRefusal: Int, Error {
    case unknownTransport = 0
    case unknownSession = 1
    case badHandshakeMethod = 2
    case badRequest = 3
    case forbidden = 4
    case unsupportedProtocol = 5

    private var body: String {
        switch self {
        case .unknownTransport: #"{"code":0,"message":"Transport unknown"}"#
        case .unknownSession: #"{"code":1,"message":"Session ID unknown"}"#
        case .badHandshakeMethod: #"{"code":2,"message":"Bad handshake method"}"#
        case .badRequest: #"{"code":3,"message":"Bad request"}"#
        case .forbidden: #"{"code":4,"message":"Forbidden"}"#
        case .unsupportedProtocol: #"{"code":5,"message":"Unsupported protocol version"}"#
        }
    }

    var response: Response {
        .text(body, status: self == .forbidden ? .forbidden : .badRequest, type: "application/json")
    }
}
