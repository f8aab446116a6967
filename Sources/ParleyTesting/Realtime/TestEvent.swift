public import ParleyWire

/// An event that the server sent to a ``TestSocket``.
public struct TestEvent: Sendable {
    /// The name.
    public let name: String
    /// What came with it; binary is in its place.
    public let arguments: [JSONValue]

    private let packet: MessagePackPacket
    private let connection: TestSocketConnection

    init(_ packet: MessagePackPacket, on connection: TestSocketConnection) throws {
        var cursor = try Self.cursor(packet)
        name = try cursor.next(String.self, in: packet.json.span)
        var arguments: [JSONValue] = []
        while !cursor.isAtEnd { arguments.append(try cursor.next(JSONValue.self, in: packet.json.span)) }
        self.arguments = arguments
        self.packet = packet
        self.connection = connection
    }

    private static func cursor(_ packet: MessagePackPacket) throws -> JSONArrayCursor {
        try JSONArrayCursor(
            validating: packet.json.span, attachments: packet.attachments.isEmpty ? nil : packet.attachments,
            maximumDepth: JSON.maximumEncodingDepth)
    }

    /// The event without its last argument.
    init(withoutLast event: TestEvent) {
        name = event.name
        arguments = event.arguments.dropLast()
        packet = event.packet
        connection = event.connection
    }

    /// Whether the server waits for an acknowledgement.
    public var expectsAcknowledgement: Bool { packet.id != nil }

    /// The arguments as values: `let (text, count) = try event.decode(String.self, Int.self)`.
    ///
    /// - Throws: what decoding throws, as for an argument that isn't there. Arguments beyond these don't matter.
    public func decode<each Value: Decodable>(
        _ types: repeat (each Value).Type
    ) throws -> (repeat each Value) {
        var cursor = try Self.cursor(packet)
        _ = try cursor.next(String.self, in: packet.json.span)
        return (repeat try cursor.next((each Value).self, in: packet.json.span))
    }

    /// Acknowledges the event with these values. Does nothing for one that needs no acknowledgement.
    ///
    /// - Throws: what encoding throws.
    public func acknowledge<each Value: Encodable>(_ values: repeat each Value) throws {
        guard let id = packet.id else { return }
        var list = TestArguments()
        for value in repeat each values { try list.append(value) }
        try connection.send(.ack, packet.namespace, id: id, list)
    }
}

extension TestEvent: Equatable, CustomStringConvertible {
    /// Events are equal that have the same name and arguments.
    public static func == (left: TestEvent, right: TestEvent) -> Bool {
        left.name == right.name && left.arguments == right.arguments
    }

    /// The name and the arguments.
    public var description: String { "\(name)(\(arguments.map { "\($0)" }.joined(separator: ", ")))" }
}

/// Encodes the arguments of a packet.
struct TestArguments: Sendable {
    private(set) var json: [UInt8] = []
    private(set) var attachments: [[UInt8]] = []

    mutating func append<Value: Encodable>(_ value: Value) throws {
        json.append(UInt8(ascii: json.isEmpty ? "[" : ","))
        try JSON.encode(value, into: &json, attachments: &attachments)
    }

    var array: [UInt8] { (json.isEmpty ? [UInt8(ascii: "[")] : json) + [UInt8(ascii: "]")] }
}
