"""Whom a bearer token speaks for."""

from collections.abc import Iterable

from topcoat.core import errors
from topcoat.core.roles import Identity, PrincipalKind


class WellKnownBearers:
    """The emulator's tokens, each of which is the name of an application."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._identities = {token: Identity(token, PrincipalKind.APP, (token,)) for token in tokens}

    async def identify(self, token: str) -> Identity:
        """Raise `NotAuthenticated`."""
        identity = self._identities.get(token)
        if identity is None:
            raise errors.NotAuthenticated(reason="The bearer token is not known.", key_hint="", is_token_fault=True)
        return identity
