import ParleyHTTP

/// A polling GET that waits for packets.
final class PollWaiter: Sendable {
    let answer = PendingResponse()
    private let exchange: EngineExchange
    private let form: EnginePayloadForm
    private let jsonp: Int?

    init(_ exchange: EngineExchange, form: EnginePayloadForm, jsonp: Int?) {
        self.exchange = exchange
        self.form = form
        self.jsonp = jsonp
    }

    /// Ends the wait, once.
    func resume(returning outcome: EngineSessionState.PollOutcome) {
        do throws(EngineRefusal) {
            answer.complete(with: exchange.conclude(try form.response(to: outcome, jsonp: jsonp)))
        } catch {
            answer.complete(with: exchange.refuse(error))
        }
    }
}
