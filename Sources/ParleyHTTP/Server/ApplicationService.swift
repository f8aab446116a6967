public import ParleyTransport
public import ServiceLifecycle

/// An application as a service of swift-service-lifecycle, beside others in a `ServiceGroup`, which then has the signals.
///
/// ```swift
/// let group = ServiceGroup(
///     services: [database, app.service(port: 8080)],
///     gracefulShutdownSignals: [.sigterm, .sigint], logger: app.logger)
/// try await group.run()
/// ```
public struct ApplicationService: Service {
    private let application: Application
    private let addresses: [ListenAddress]

    init(_ application: Application, on addresses: [ListenAddress]) {
        self.application = application
        self.addresses = addresses
    }

    /// Serves until the group shuts down, which lets requests in flight finish (``ServerConfiguration/shutdownDeadline``), or
    /// until the task is cancelled, which doesn't.
    /// - Throws: `TransportError` when the address can't be listened on.
    public func run() async throws {
        let server = try await application.start(on: addresses)
        let wasAsked = (try? await gracefulShutdown()) != nil
        await server.shutdown(deadline: wasAsked ? application.configuration.shutdownDeadline : .zero)
    }
}

extension Application {
    /// The application as a service that listens at an address; see ``start(host:port:)``.
    public func service(host: String = "127.0.0.1", port: UInt16) -> ApplicationService {
        service(on: [.tcp(host: host, port: port)])
    }

    /// The application as a service that listens at several addresses; see ``start(on:)``.
    public func service(on addresses: [ListenAddress]) -> ApplicationService {
        ApplicationService(self, on: addresses)
    }
}
