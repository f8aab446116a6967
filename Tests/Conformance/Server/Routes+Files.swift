import Parley

/// Files by more than the defaults, which are at `/`.
extension Routes {
    func serveFiles(on application: Application) {
        guard let files = settings.files else { return }
        var variants = FileOptions()
        variants.precompressed = [.brotli, .zstandard, .gzip]
        variants.listsDirectories = true
        variants.listingLimit = 50
        variants.cacheRules = [
            CacheRule("assets/**", "public, max-age=31536000, immutable"), CacheRule("*.html", "no-store"),
        ]
        application.files("/variants", from: files, options: variants)

        var pages = FileOptions()
        pages.spaFallback = "index.html"
        pages.notFoundPage = "404.html"
        pages.cacheControl = "public, max-age=31536000, immutable"
        application.files("/pages", from: files, options: pages)
        application.get("/pages/api") { _ in "route" }

        application.get("/download") { request in
            try await request.file(
                at: request.query("path") ?? "", in: files, downloadName: request.query("name"))
        }
    }
}
