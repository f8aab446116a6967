/// What an `Accept` field says of media types (RFC 9110 12.5.1).
struct AcceptedMedia {
    /// Nil where the request has no such field: then everything is as good.
    private let list: WeightedList?

    init(_ field: String?) {
        list = field.map { WeightedList($0) }
    }

    /// The weight of a type, `text/html`, by the most specific range that it is in; from 0 to 1000.
    func weight(of type: String) -> Int {
        guard let list else { return 1000 }
        let group = type.prefix { $0 != "/" } + "/*"
        for name in [type, String(group), "*/*"] {
            if let element = list.elements.first(where: { $0.name == name }) { return element.weight }
        }
        return 0
    }

    /// True when the field has the type itself, which browsers do for HTML only where they go to a page.
    func names(_ type: String) -> Bool {
        list?.elements.contains { $0.name == type && $0.weight > 0 } ?? false
    }
}
