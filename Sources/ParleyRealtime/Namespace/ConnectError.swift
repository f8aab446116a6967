import ParleyHTTP
import ParleyWire

/// A refusal: thrown by a namespace's middleware, it becomes the client's `connect_error` event with this message and data.
public struct ConnectError: Error, Sendable, CustomStringConvertible {
    /// What the client is told.
    public let message: String
    private let data: Encoded?

    private enum Encoded: Sendable {
        case json([UInt8])
        case failed
    }

    /// A refusal without data.
    public init(_ message: String) {
        self.message = message
        data = nil
    }

    /// A refusal with data, which the client finds in its error's `data`.
    public init<Data: Encodable>(_ message: String, data: Data) {
        self.message = message
        var bytes: [UInt8] = []
        let isEncoded: Void? = try? JSON.encode(data, into: &bytes)
        self.data = isEncoded == nil ? .failed : .json(bytes)
    }

    /// What a client may know of an error that was not meant for it.
    init(hiding error: any Error) {
        self.init((error as? HTTPError)?.message ?? "Internal server error")
    }

    /// The message.
    public var description: String { message }

    /// The data alone where there is some, else the message as a string: the form that old clients know.
    func dataOrMessage() throws -> [UInt8] {
        if case .json(let data) = data { return data }
        var bytes: [UInt8] = []
        try JSON.encode(message, into: &bytes)
        return bytes
    }

    func json() throws -> [UInt8] {
        var bytes = Array(#"{"message":"#.utf8)
        try JSON.encode(message, into: &bytes)
        if case .json(let data) = data {
            bytes.append(contentsOf: #","data":"#.utf8)
            bytes.append(contentsOf: data)
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }
}
