"""Bytes on a socket, for what no HTTP library would send."""

import http.client
import socket
from urllib.parse import urlsplit

from tests.contract.installation import Server


def connect(server: Server) -> socket.socket:
    address = urlsplit(server.url)
    assert address.hostname is not None
    assert address.port is not None
    return socket.create_connection((address.hostname, address.port), timeout=30)


def receive(connection: socket.socket) -> tuple[int, str | None, bytes]:
    """Status, content type and body of one answer."""
    with http.client.HTTPResponse(connection) as response:
        response.begin()
        return response.status, response.headers.get("Content-Type"), response.read()
