import ParleyWire
import Testing

private enum Key: String, CodingKey { case a, b, c, d, e, f, g, h }

/// What a container should have written.
private final class Node {
    enum Kind {
        case pending
        case object([(Key, Node)])
        case array([Node])
        case scalar(Int)
    }
    var kind = Kind.pending

    init(_ kind: Kind = .pending) { self.kind = kind }

    var text: String {
        switch kind {
        case .pending: "{}"
        case .scalar(let value): "\(value)"
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { "\"\($0.0.rawValue)\":\($0.1.text)" }.joined(separator: ",") + "}"
        }
    }
}

/// Uses every container that it ever got, in random order.
private struct Scrambler: Encodable {
    enum Container {
        case object(KeyedEncodingContainer<Key>)
        case array(any UnkeyedEncodingContainer)
        case encoder(any Encoder)
    }

    let seed: UInt64
    let root: Node

    func encode(to encoder: any Encoder) throws {
        var generator = SeededGenerator(seed: seed)
        var live: [(Container, Node)] = [(.encoder(encoder), root)]
        for step in 0..<generator.int(1..<30) {
            let index = generator.int(0..<live.count)
            let (container, node) = live[index]
            switch container {
            case .encoder(let encoder):
                live[index].0 = try use(encoder, node, step, &generator)
            case .object(let object):
                try use(object, node, step, &generator).map { live.append($0) }
            case .array(var array):
                try use(&array, node, step, &generator).map { live.append($0) }
                live[index].0 = .array(array)
            }
            // A single value is used once.
            if case .scalar = node.kind { live.remove(at: index) }
            if live.isEmpty { break }
        }
    }

    private func use(
        _ encoder: any Encoder, _ node: Node, _ step: Int, _ generator: inout SeededGenerator
    ) throws -> Container {
        switch generator.int(0..<3) {
        case 0:
            node.kind = .object([])
            return .object(encoder.container(keyedBy: Key.self))
        case 1:
            node.kind = .array([])
            return .array(encoder.unkeyedContainer())
        default:
            node.kind = .scalar(step)
            var value = encoder.singleValueContainer()
            try value.encode(step)
            return .encoder(encoder)
        }
    }

    private func use(
        _ object: KeyedEncodingContainer<Key>, _ node: Node, _ step: Int, _ generator: inout SeededGenerator
    ) throws -> (Container, Node)? {
        guard case .object(let members) = node.kind else { return nil }
        let key = [Key.a, .b, .c, .d, .e, .f, .g, .h][generator.int(0..<8)]
        var object = object
        let choice = generator.int(0..<6)
        if choice == 5 {
            #expect(throws: EncodingError.self) { try object.encode([["x": Double.nan]], forKey: key) }
            return nil
        }
        let child = Node(
            [.scalar(step), .array([Node(.scalar(step))]), .object([]), .array([]), .pending][choice])
        node.kind = .object(members + [(key, child)])
        switch choice {
        case 0: try object.encode(step, forKey: key)
        case 1: try object.encode([Int16(step)], forKey: key)
        case 2: return (.object(object.nestedContainer(keyedBy: Key.self, forKey: key)), child)
        case 3: return (.array(object.nestedUnkeyedContainer(forKey: key)), child)
        default: return (.encoder(object.superEncoder(forKey: key)), child)
        }
        return nil
    }

    private func use(
        _ array: inout any UnkeyedEncodingContainer, _ node: Node, _ step: Int,
        _ generator: inout SeededGenerator
    ) throws -> (Container, Node)? {
        guard case .array(let elements) = node.kind else { return nil }
        #expect(array.count == elements.count)
        let choice = generator.int(0..<5)
        let child = Node(
            [.scalar(step), .array([Node(.scalar(step))]), .object([]), .array([]), .pending][choice])
        node.kind = .array(elements + [child])
        switch choice {
        case 0: try array.encode(step)
        case 1: try array.encode([Int16(step)])
        case 2: return (.object(array.nestedContainer(keyedBy: Key.self)), child)
        case 3: return (.array(array.nestedUnkeyedContainer()), child)
        default: return (.encoder(array.superEncoder()), child)
        }
        return nil
    }
}

@Suite("JSON encoding: containers in any order")
struct JSONSpliceTests {
    @Test("Containers used in three thousand random orders write what each was given")
    func scrambled() throws {
        for seed in 0..<3_000 {
            let scrambler = Scrambler(seed: UInt64(seed), root: Node())
            #expect(try jsonText(scrambler) == scrambler.root.text, "seed \(seed)")
            let nested = [
                Scrambler(seed: UInt64(seed), root: Node()), Scrambler(seed: UInt64(seed + 1), root: Node()),
            ]
            #expect(try jsonText(nested) == "[\(nested[0].root.text),\(nested[1].root.text)]", "seed \(seed)")
        }
    }
}
