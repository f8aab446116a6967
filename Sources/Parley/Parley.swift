@_exported public import ParleyHTTP
@_exported public import ParleyRealtime
