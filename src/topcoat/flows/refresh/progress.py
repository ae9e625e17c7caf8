"""How a refresh says how far it is; the command line draws it as bars."""

from typing import Protocol


class Progress(Protocol):
    def start(self, stage: str, total: int, unit: str) -> None:
        """A stage of `total` units, `bytes` or `rows`, begins; the one before is over."""

    def advance(self, amount: int) -> None: ...


class Silent:
    """Says nothing."""

    def start(self, stage: str, total: int, unit: str) -> None:
        pass

    def advance(self, amount: int) -> None:
        pass
