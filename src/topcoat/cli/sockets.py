"""Sockets that the service listens on."""

import socket
import sys


def bind(host: str, port: int) -> socket.socket:
    """Raise `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener


def bind_or_exit(host: str, port: int, option: str) -> socket.socket:
    try:
        return bind(host, port)
    except OSError as error:
        sys.stderr.write(f"topcoat: cannot listen on {host} port {port}: {error.strerror}; try {option}.\n")
        sys.exit(1)


def address_of(listener: socket.socket, scheme: str) -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
