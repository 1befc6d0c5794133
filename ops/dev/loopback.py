"""TCP ports on the loopback interface."""

import socket

HOST = "127.0.0.1"


def free_port() -> int:
    """A port on which no program listens now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether no program listens on that port."""
    with socket.socket() as probe:
        # As servers do: connections of an earlier run that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
