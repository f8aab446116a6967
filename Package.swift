// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "Parley",
    platforms: [.macOS(.v26)],
    products: [
        .library(name: "Parley", targets: ["Parley"]),
        .library(name: "ParleyTesting", targets: ["ParleyTesting"]),
        .library(name: "ParleyRealtime", targets: ["ParleyRealtime"]),
        .library(name: "ParleyHTTP", targets: ["ParleyHTTP"]),
        .library(name: "ParleyTransport", targets: ["ParleyTransport"]),
        .library(name: "ParleyWire", targets: ["ParleyWire"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"]), .brew(["libuv"])]),
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
        .systemLibrary(
            name: "CNGHTTP2", pkgConfig: "libnghttp2",
            providers: [.apt(["libnghttp2-dev"]), .brew(["libnghttp2"])]),
        .systemLibrary(
            name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .target(
            name: "ParleyWire",
            dependencies: [
                .product(name: "HTTPTypes", package: "swift-http-types"), "CNGHTTP2", "COpenSSL", "CZlib",
            ],
            exclude: [
                "Compression/README.md", "EngineIO/README.md", "HTTP1/README.md", "HTTP2/README.md",
                "JSON/README.md", "MessagePack/README.md", "Multipart/README.md", "Proxy/README.md",
                "SocketIO/README.md", "WebSocket/README.md",
            ],
            swiftSettings: settings),
        .target(
            name: "ParleyTransport",
            dependencies: ["ParleyWire", "CUV", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),
        .target(
            name: "ParleyHTTP",
            dependencies: [
                "ParleyWire", "ParleyTransport",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .target(
            name: "ParleyRealtime",
            dependencies: [
                "ParleyWire", "ParleyTransport", "ParleyHTTP",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .target(
            name: "Parley", dependencies: ["ParleyHTTP", "ParleyRealtime", "ParleyTransport", "ParleyWire"],
            swiftSettings: settings),
        .target(
            name: "ParleyTesting",
            dependencies: [
                "ParleyHTTP", "ParleyTransport", "ParleyWire",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "Chat",
            dependencies: ["Parley", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Samples/Chat", exclude: ["Public"], swiftSettings: settings),
        .executableTarget(
            name: "BenchmarkServer",
            dependencies: ["Parley", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Samples/Benchmark/Server", swiftSettings: settings),
        .executableTarget(
            name: "ConformanceServer",
            dependencies: [
                "Parley", "ParleyTransport", "ParleyWire",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            path: "Tests/Conformance/Server", swiftSettings: settings),
        .executableTarget(
            name: "Budget", dependencies: ["ParleyHTTP", "ParleyRealtime", "ParleyTransport", "ParleyWire"],
            path: "Tests/Budget", exclude: ["budget.py", "baseline.json"], swiftSettings: settings),
        .target(
            name: "HTTP2Peer", dependencies: ["CNGHTTP2"], path: "Tests/Support/HTTP2Peer",
            swiftSettings: settings),
        .testTarget(
            name: "ParleyWireTests", dependencies: ["ParleyWire", "HTTP2Peer"], swiftSettings: settings),
        .testTarget(
            name: "ParleyTransportTests", dependencies: ["ParleyTransport"], swiftSettings: settings),
        .testTarget(
            name: "ParleyHTTPTests",
            dependencies: [
                "ParleyHTTP", "HTTP2Peer",
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ParleyTestingTests",
            dependencies: [
                "ParleyTesting", "ParleyHTTP", "ParleyRealtime",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: settings
        ),
        .testTarget(
            name: "ParleyRealtimeTests", dependencies: ["ParleyRealtime", "ParleyHTTP", "ParleyTransport"],
            swiftSettings: settings),
    ]
)

// What loads the benchmark's server, and what its figures are compared with: epoll, so Linux only.
#if os(Linux)
    package.targets += [
        .target(name: "BenchmarkSupport", path: "Samples/Benchmark/Support"),
        .executableTarget(
            name: "BenchmarkLoad", dependencies: ["BenchmarkSupport"], path: "Samples/Benchmark/Load"),
        .executableTarget(
            name: "BenchmarkFloor", dependencies: ["BenchmarkSupport"], path: "Samples/Benchmark/Floor"),
    ]
#endif
