import ParleyWire

extension Request {
    /// The request with other content of unknown length, without some fields, whose names are in lower case.
    func replacingContent(with body: RequestBody, removing names: [StaticString]) -> Request {
        var head = context.head
        head.headers.remove(names)
        head.contentLength = nil
        head.isChunked = true
        var replaced = Request(
            context: RequestContext(head: head, connection: context.connection), body: body)
        replaced.parameters = parameters
        replaced.storage = storage
        return replaced
    }
}
