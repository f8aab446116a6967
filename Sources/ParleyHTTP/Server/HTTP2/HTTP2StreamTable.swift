/// The open streams of a connection by their ids. New streams have ever higher ids (RFC 9113 5.1.1), so that appending keeps
/// them sorted; with a hundred of them a search is cheaper than a hash.
struct HTTP2StreamTable<Stream: AnyObject> {
    private var ids: [Int32] = []
    private(set) var streams: [Stream] = []

    var count: Int { ids.count }
    var isEmpty: Bool { ids.isEmpty }

    /// The stream of that id; nil when it isn't open.
    subscript(id: Int32) -> Stream? {
        let index = index(of: id)
        return index < ids.count && ids[index] == id ? streams[index] : nil
    }

    /// Adds a stream, whose id is higher than that of any before.
    mutating func append(_ stream: Stream, id: Int32) {
        ids.append(id)
        streams.append(stream)
    }

    /// Takes a stream out; nil when it isn't open.
    mutating func remove(_ id: Int32) -> Stream? {
        let index = index(of: id)
        guard index < ids.count, ids[index] == id else { return nil }
        ids.remove(at: index)
        return streams.remove(at: index)
    }

    /// Takes all streams out.
    mutating func removeAll() -> [Stream] {
        defer { self = HTTP2StreamTable() }
        return streams
    }

    /// Where the first id is that is not lower.
    private func index(of id: Int32) -> Int {
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
