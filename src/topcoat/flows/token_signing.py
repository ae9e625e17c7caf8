"""JSON Web Tokens signed by the emulator: heavy, so it is only imported where there is somebody to sign in."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

KEY_BITS: Final = 2048
ALGORITHM: Final = "RS256"
_REFRESH_ALGORITHM: Final = "HS256"  # which nobody takes for an access token
_PUBLIC_EXPONENT: Final = 65537

Claims = Mapping[str, Any]


def make_private_key() -> bytes:
    key = rsa.generate_private_key(_PUBLIC_EXPONENT, KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class Signer:
    """Signs with one key, whose id is the digest of its public part (RFC 7638)."""

    def __init__(self, private_key: bytes) -> None:
        key = serialization.load_der_private_key(private_key, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key
        public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        self._public = {"kty": "RSA", "n": public["n"], "e": public["e"]}
        canonical = f'{{"e":"{public["e"]}","kty":"RSA","n":"{public["n"]}"}}'
        self._key_id = base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).decode().rstrip("=")

    def public_keys(self) -> dict[str, Any]:
        """As an issuer publishes them (JWKS)."""
        return {"keys": [self._public | {"kid": self._key_id, "use": "sig", "alg": ALGORITHM}]}

    def sign(self, claims: Claims) -> str:
        return jwt.encode(dict(claims), self._key, ALGORITHM, headers={"kid": self._key_id})


def sign_refresh_token(claims: Claims, secret: bytes) -> str:
    return jwt.encode(dict(claims), secret, _REFRESH_ALGORITHM)


def read_refresh_token(token: str, secret: bytes) -> dict[str, Any] | None:
    """The claims, whether or not it has expired; None for one that was not made here."""
    try:
        return jwt.decode(token, secret, [_REFRESH_ALGORITHM], {"verify_exp": False, "require": ["exp"]})
    except jwt.PyJWTError:
        return None
