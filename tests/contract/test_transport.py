"""What leaves in one system call."""

import asyncio

from topcoat.cli.transport import GatheringTransport


class Wire(asyncio.Transport):
    """Keeps what is written, piece by piece."""

    def __init__(self) -> None:
        super().__init__({"peername": "somebody"})
        self.pieces: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.pieces.append(bytes(data))

    def is_closing(self) -> bool:
        return b"closed" in self.pieces

    def close(self) -> None:
        self.pieces.append(b"closed")


async def test_head_and_body_leave_as_one_piece_and_the_next_answer_as_another() -> None:
    wire = Wire()
    transport = GatheringTransport(wire)

    for answer in ("1", "2"):
        transport.write(b"head " + answer.encode())
        transport.write(b" body " + answer.encode())
        await asyncio.sleep(0)

    assert wire.pieces == [b"head 1 body 1", b"head 2 body 2"]


async def test_closing_sends_what_was_written_before() -> None:
    wire = Wire()
    transport = GatheringTransport(wire)
    transport.write(b"last words")

    transport.close()
    await asyncio.sleep(0)

    assert wire.pieces == [b"last words", b"closed"]
    assert transport.is_closing()


async def test_everything_else_is_the_transports_own() -> None:
    assert GatheringTransport(Wire()).get_extra_info("peername") == "somebody"
