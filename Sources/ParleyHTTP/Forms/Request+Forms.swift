import ParleyWire

extension Request {
    /// The query as a value: see ``decodeForm(_:limits:)`` for how names and texts become one.
    ///
    /// ```swift
    /// struct Search: Codable { var q: String, page: Int?, tags: [String] }
    /// let search = try request.decodeQuery(Search.self)        // ?q=swift&tags=a&tags=b
    /// ```
    /// - Throws: ``HTTPError`` 400 that names the item which doesn't fit, or the limit.
    public func decodeQuery<Value: Decodable>(
        _ type: Value.Type = Value.self, limits: FormLimits = FormLimits()
    ) throws -> Value {
        var items = FormContent(limits: limits)
        guard items.add(queryItems) else {
            throw HTTPError(.badRequest, "limit fields: the query has more than \(limits.fields) items")
        }
        return try items.decode(type, what: "query")
    }

    /// The content as a value: that of an HTML form, urlencoded or multipart.
    ///
    /// - `a[b]` is the member `b` of `a`; `a[]`, a repeated `a`, and `a[0]`, `a[1]` are lists. `a[][b]` is a list of wholes,
    ///   of which a new one begins when a name comes again.
    /// - Of a single value the first counts. An empty text is nil for optionals but `String?`.
    /// - `Bool`: `true on yes 1` and an empty text, `false off no 0`, and false where there is none. A list that isn't there is empty.
    /// - `Date`: RFC 3339, what the inputs `date` and `datetime-local` send (in UTC), or milliseconds since 1970.
    /// - Files are ``UploadedFile``, or their bytes as `Data` or `[UInt8]`.
    /// - Throws: ``HTTPError`` 400 that names the field which doesn't fit, and what ``form(_:)`` throws.
    public nonisolated(nonsending) func decodeForm<Value: Decodable>(
        _ type: Value.Type = Value.self, limits: FormLimits = FormLimits()
    ) async throws -> Value {
        try await form(limits).decode(type)
    }

    /// The fields of an HTML form, urlencoded or multipart, collected in memory.
    /// - Throws: ``HTTPError`` 415 when the content is no form, 413 and 400 that name a limit, 400 when it is malformed, and
    ///   what ``RequestBody/collect(upTo:)`` throws.
    public nonisolated(nonsending) func form(_ limits: FormLimits = FormLimits()) async throws -> FormContent
    {
        switch contentType?.value {
        case ContentTypes.urlencoded: return try await urlencodedForm(limits)
        case ContentTypes.multipart: return try await multipartForm(limits)
        default: throw HTTPError.unsupported(ContentTypes.urlencoded, ContentTypes.multipart)
        }
    }

    /// The content as a value, by its type: JSON, or an HTML form.
    /// - Throws: ``HTTPError`` 415 for any other type, and what ``decode(_:upTo:requiringType:)`` and
    ///   ``decodeForm(_:limits:)`` throw.
    public nonisolated(nonsending) func content<Value: Decodable>(
        as type: Value.Type = Value.self, limits: FormLimits = FormLimits()
    ) async throws -> Value {
        let contentType = contentType?.value ?? ""
        if ContentTypes.isJSON(contentType) { return try await decode(type, upTo: limits.bytes) }
        if contentType == ContentTypes.urlencoded || contentType == ContentTypes.multipart {
            return try await decodeForm(type, limits: limits)
        }
        throw HTTPError.unsupported(ContentTypes.json, ContentTypes.urlencoded, ContentTypes.multipart)
    }

    private nonisolated(nonsending) func urlencodedForm(_ limits: FormLimits) async throws -> FormContent {
        let bytes = try await body.collect(upTo: limits.bytes)
        var form = FormContent(limits: limits)
        guard form.add(QueryItems(Substring(decoding: bytes, as: UTF8.self))) else {
            throw HTTPError(.contentTooLarge, "limit fields: the form has more than \(limits.fields) fields")
        }
        return form
    }

    private nonisolated(nonsending) func multipartForm(_ limits: FormLimits) async throws -> FormContent {
        var options = MultipartOptions()
        options.parts = limits.fields
        options.partBytes = limits.bytes
        options.totalBytes = limits.bytes
        var form = FormContent(limits: limits)
        for try await part in try multipart(options) {
            let content = try await part.collect(upTo: limits.bytes)
            let value: FormValue =
                part.filename.map {
                    .file(UploadedFile(filename: $0, contentType: part.contentType, content: content))
                }
                ?? .text(String(decoding: content, as: UTF8.self))
            form.fields.append(FormContent.Field(name: part.name, content: value))
        }
        return form
    }
}
