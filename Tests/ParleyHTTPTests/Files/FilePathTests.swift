import Testing

@testable import ParleyHTTP

/// The rules of LIMITS, "Static files", that a path alone decides.
@Suite struct FilePathTests {
    private func path(
        _ raw: String, mountDepth: Int = 0, dotfiles: FileOptions.DotfilePolicy = .hidden
    ) throws(FilePathError) -> FilePath {
        try FilePath(rawPath: raw[...], mountDepth: mountDepth, dotfiles: dotfiles)
    }

    @Test(arguments: [
        ("/", [], true),
        ("/a", ["a"], false),
        ("/a/b.txt", ["a", "b.txt"], false),
        ("/a/b/", ["a", "b"], true),
        ("/a%20b", ["a b"], false),
        ("/%41", ["A"], false),
        ("/caf%c3%a9", ["café"], false),
        ("/a+b", ["a+b"], false),
        ("/...", ["..."], false),
        ("/a..b", ["a..b"], false),
        ("/.well-known/acme", [".well-known", "acme"], false),
        // Decoded once: what is left is a name like any other.
        ("/%252e%252e", ["%2e%2e"], false),
        ("/a%252fb", ["a%2fb"], false),
    ])
    func `A path is split at its slashes and decoded once`(
        raw: String, segments: [String], hasTrailingSlash: Bool
    ) throws {
        let path = try? path(raw, dotfiles: raw == "/..." ? .served : .hidden)
        #expect(path?.segments == segments)
        #expect(path?.hasTrailingSlash == hasTrailingSlash)
    }

    @Test(arguments: [
        "", "a", "/..", "/../", "/a/../b", "/a/..", "/%2e%2e", "/%2E%2e/etc", "/.%2e/a", "/a%00", "/%00",
        "/a%2fb",
        "/a%2Fb", "/%2f", "/a%5cb", "/a\\b", "/..%5c..", "/%", "/%4", "/%zz", "/a%2", "/%ff", "/%c0%ae%c0%ae",
        "/%c3",
        "/%ed%a0%80", "/%f4%90%80%80", "/..%2f..%2fetc%2fpasswd", "/..\\..\\etc",
    ])
    func `What is no path of plain names is malformed`(raw: String) {
        #expect(throws: FilePathError.malformed) { try path(raw) }
    }

    @Test(arguments: [
        "//", "//a", "/a//b", "/a//", "/.", "/./a", "/a/./b", "/%2e", "/.git", "/.git/config", "/a/.env",
        "/%2egit",
        "/.env/", "/a/.well-known/b", "/.well-known/.secret", "/..a",
    ])
    func `Hidden names and empty segments are not looked for`(raw: String) {
        #expect(throws: FilePathError.hidden) { try path(raw) }
    }

    @Test func `Dotfiles are served when the options say so, the current directory never`() throws {
        #expect(try path("/a/.env", dotfiles: .served).segments == ["a", ".env"])
        #expect(throws: FilePathError.hidden) { try path("/./a", dotfiles: .served) }
        #expect(throws: FilePathError.malformed) { try path("/../a", dotfiles: .served) }
    }

    @Test func `The mount's segments are not the file's`() throws {
        #expect(try path("/static/a", mountDepth: 1).segments == ["a"])
        #expect(try path("/static/", mountDepth: 1) == path("/"))
        let bare = try path("/static", mountDepth: 1)
        #expect(bare.segments.isEmpty && !bare.hasTrailingSlash)
        #expect(try path("/files/.well-known/a", mountDepth: 1).segments == [".well-known", "a"])
    }
}
