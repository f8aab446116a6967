"""What the drivers of the JavaScript client share: the table of scenarios, and the steps outside a client's reach."""

SHORT_HEARTBEAT = ("--ping-interval", 400, "--ping-timeout", 300)
TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": ["polling", "websocket"]}

ON_SHARED_SERVER = [
    "namespaces", "auth", "middleware", "argumentsAndUnicode", "binary", "acknowledgements", "order", "largeText", "rooms",
    "clientDisconnect", "serverDisconnect", "operators", "dynamicNamespaces"]
ON_OWN_SERVER = ["reconnection", "serverFallsSilent", "clientFallsSilent", "heartbeats"]
DURING_UPGRADE = ["trafficDuringUpgrade"]
ALL = ON_SHARED_SERVER + ON_OWN_SERVER + DURING_UPGRADE


def table():
    """Every scenario with every transport that it can run on, as (scenario, transport)."""
    rows = [(name, transport) for name in ON_SHARED_SERVER + ON_OWN_SERVER for transport in TRANSPORTS]
    return rows + [(name, "upgrade") for name in DURING_UPGRADE]


def take_step(server, name, value):
    """Does what a scenario asks for."""
    if name == "reason":
        return server.disconnect_reason(value)
    {"restart": lambda: server.restart(pause=0.3), "pause": server.pause, "resume": server.resume}[name]()
    return None
