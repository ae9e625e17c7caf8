"""An issuer of tokens, its keys made on the spot, that publishes them on this machine."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "api://topcoat"
Document = dict[str, Any]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The same for the same name, for making one takes long."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(name: str, curve: type[ec.EllipticCurve] = ec.SECP256R1) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve())


def public_jwk(key: PrivateKey, key_id: str, **more: Any) -> Document:
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    public: Any = key.public_key()
    return {**algorithm.to_jwk(public, as_dict=True), "kid": key_id, "use": "sig", **more}


def public_pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@dataclass
class Issuer:
    """`keys` are published; a token is signed with the first of them unless it says otherwise."""

    name: str = "https://issuer.example/tenant/v2.0"
    keys: dict[str, PrivateKey] = field(default_factory=lambda: {"first": rsa_key("first")})
    asked: int = 0

    def jwks(self) -> Document:
        self.asked += 1
        return {"keys": [public_jwk(key, key_id) for key_id, key in self.keys.items()]}

    async def load(self) -> Document:
        return self.jwks()

    def token(
        self, now: datetime, *, key: PrivateKey | None = None, headers: Document | None = None, **claims: Any
    ) -> str:
        """A claim of None is left out."""
        key_id, first = next(iter(self.keys.items()))
        signer = key or first
        algorithm = "RS256" if isinstance(signer, rsa.RSAPrivateKey) else "ES256"
        seconds = int(now.timestamp())
        usual = {"iss": self.name, "aud": AUDIENCE, "sub": "ada", "iat": seconds, "nbf": seconds, "exp": seconds + 3600}
        sent = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode(sent, signer, algorithm, headers={"kid": key_id} | (headers or {}))


@contextmanager
def published(issuer: Issuer) -> Iterator[str]:
    """Serve discovery and keys on a loopback address, which becomes the issuer's name."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith("/.well-known/openid-configuration"):
                self._answer({"issuer": issuer.name, "jwks_uri": f"{address}/keys"})
            elif self.path == "/keys":
                self._answer(issuer.jwks())
            else:
                self.send_error(404)

        def _answer(self, document: Document) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.name = address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield address
        server.shutdown()
