import ParleyWire
import Testing

@Suite("permessage-deflate: negotiation (RFC 7692 7.1)")
struct PermessageDeflateTests {
    private func answer(
        _ offers: String..., change: (inout WebSocketCompression) -> Void = { _ in }
    ) -> String? {
        var headers = HTTPHeaderBlock()
        for offer in offers {
            headers.append(name: "sec-websocket-extensions".utf8.span, value: offer.utf8.span)
        }
        var settings = WebSocketCompression()
        settings.serverContextTakeover = true
        settings.clientContextTakeover = true
        change(&settings)
        return PermessageDeflate.accept(offersOf: headers, settings: settings)?.fieldValue
    }

    @Test(
        "each parameter is answered",
        arguments: [
            ("permessage-deflate", ""), ("permessage-deflate; client_max_window_bits", ""),
            ("permessage-deflate;server_no_context_takeover", "; server_no_context_takeover"),
            ("permessage-deflate; client_no_context_takeover", "; client_no_context_takeover"),
            ("permessage-deflate; server_max_window_bits=10", "; server_max_window_bits=10"),
            ("permessage-deflate; server_max_window_bits=8", "; server_max_window_bits=8"),
            ("permessage-deflate; server_max_window_bits=15", "; server_max_window_bits=15"),
            ("permessage-deflate; client_max_window_bits=\"9\"", "; client_max_window_bits=9"),
            ("permessage-deflate ; client_max_window_bits = 8 ", "; client_max_window_bits=8"),
            (
                "permessage-deflate; client_no_context_takeover; server_no_context_takeover; client_max_window_bits; "
                    + "server_max_window_bits=12",
                "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"
            ),
        ])
    func accepted(offer: String, parameters: String) {
        #expect(answer(offer) == "permessage-deflate" + parameters)
    }

    @Test(
        "an offer that isn't valid is passed over, and the next one is looked at",
        arguments: [
            "permessage-deflate; unknown", "permessage-deflate; unknown=1",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
            "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=08",
            "permessage-deflate; server_max_window_bits=+9", "permessage-deflate; client_max_window_bits=",
            "permessage-deflate; client_max_window_bits=\"9",
            "permessage-deflate; client_max_window_bits=\"\"",
            "permessage-deflate; ; client_max_window_bits", "permessage-deflate;", "permessage-deflate x",
            "permessage-deflate; unknown=\"a, permessage-deflate\"", "x-webkit-deflate-frame", ";;;", "",
            "=", "\"", "\"\\", "PERMESSAGE-DEFLATE",
        ])
    func passedOver(offer: String) {
        #expect(answer(offer) == nil)
        // An open quote takes what is behind it with it.
        guard !offer.contains("=\"9"), !offer.hasPrefix("\"") else { return }
        let second = "permessage-deflate; server_no_context_takeover"
        #expect(answer("\(offer), \(second)") == second)
        #expect(answer(offer, second) == second)
        #expect(answer("\(second), \(offer)") == second)
    }

    @Test("the settings forbid takeover and narrow windows where they may")
    func settings() {
        let offer = "permessage-deflate; client_max_window_bits"
        #expect(
            answer(offer) { $0 = WebSocketCompression() }
                == "permessage-deflate; server_no_context_takeover; client_no_context_takeover")
        #expect(
            answer(offer) {
                $0.serverWindowBits = 11
                $0.clientWindowBits = 12
            } == "permessage-deflate; server_max_window_bits=11; client_max_window_bits=12")
        #expect(
            answer("permessage-deflate; server_max_window_bits=14; client_max_window_bits=10") {
                $0.serverWindowBits = 11
                $0.clientWindowBits = 12
            } == "permessage-deflate; server_max_window_bits=11; client_max_window_bits=10")
        #expect(answer(offer) { $0.serverWindowBits = 99 } == "permessage-deflate")
        #expect(answer(offer) { $0.serverWindowBits = -1 } == "permessage-deflate; server_max_window_bits=9")
    }

    @Test(
        "RFC 7692 7.1.2.2: a client that can't be told a limit is told none; a server that needs one declines"
    )
    func clientWindow() {
        #expect(answer("permessage-deflate") { $0.clientWindowBits = 12 } == nil)
        #expect(
            answer("permessage-deflate, permessage-deflate; client_max_window_bits") {
                $0.clientWindowBits = 12
            }
                == "permessage-deflate; client_max_window_bits=12")
    }
}
