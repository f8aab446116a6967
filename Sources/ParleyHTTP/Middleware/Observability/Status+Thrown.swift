import HTTPTypes

extension HTTPResponse.Status {
    /// The status that an error is known by in logs and metrics: its own, 499 where the client went away before it was answered
    /// (nginx's code, as HTTP has none for it), 500 for all others.
    init(ofThrown error: any Error) {
        switch error {
        case let error as HTTPError: self = error.status
        case is CancellationError, is RequestBodyError, is ResponseWriterError: self.init(code: 499)
        default: self = .internalServerError
        }
    }
}
