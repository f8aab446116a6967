public import HTTPTypes

extension Next {
    /// Passes the request on, and changes the header fields of whatever it is answered with: a response, an ``HTTPError`` that
    /// passes, or the answer that another error will become.
    ///
    /// ```swift
    /// app.use { request, next in
    ///     try await next(request) { headers in headers[.server] = "Parley" }
    /// }
    /// ```
    public nonisolated(nonsending) func callAsFunction(
        _ request: Request, changingHeaders change: (_ headers: inout HTTPFields) -> Void
    ) async throws -> Response {
        do {
            var response = try await self(request)
            change(&response.headers)
            return response
        } catch var error as HTTPError {
            change(&error.headers)
            throw error
        } catch {
            // It must stay what it is: somebody further out may know what to make of it.
            request.context.changeErrorHeaders(change)
            throw error
        }
    }
}
