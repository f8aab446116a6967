@_exported public import ParleyHTTP
@_exported public import ParleyRealtime
// Addresses, event loops, certificates: what the public API of the two above is made of.
@_exported public import ParleyTransport

@_exported public import struct ParleyWire.HTTP2Limits
@_exported public import struct ParleyWire.HTTPLimits
@_exported public import enum ParleyWire.HTTPVersion
@_exported public import enum ParleyWire.JSONValue
@_exported public import enum ParleyWire.PacketParser
@_exported public import struct ParleyWire.SocketIOLimits
@_exported public import struct ParleyWire.WebSocketCompression
@_exported public import struct ParleyWire.WebSocketLimits
