"""What of signing in the database decides."""

import asyncio

from tests.conftest import Service, open_service
from topcoat.core import errors
from topcoat.core.sign_in import Authorization
from topcoat.flows.sign_in import Caller, Tokens

CALLER = Caller("https://localhost:8343", "localhost")
VERIFIER = "v" * 43
ASKED = Authorization(
    client="topcoat-viewer",
    redirect_uri="http://localhost/",
    challenge="7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM",
    scope="api://topcoat/.default",
    nonce=None,
    user="topcoat-owner",
)


async def redeem(service: Service, code: str) -> Tokens | int:
    try:
        return await service.flows.sign_in.redeem(
            CALLER, ASKED.client, code=code, redirect_uri=ASKED.redirect_uri, verifier=VERIFIER, scope=None
        )
    except errors.SignInRefused as error:
        return int(error.parts["number"])


async def test_of_many_who_redeem_a_code_at_once_one_gets_tokens(service: Service) -> None:
    code = await service.flows.sign_in.authorize(ASKED)

    found = await asyncio.gather(*(redeem(service, code) for _ in range(5)))

    assert [outcome for outcome in found if isinstance(outcome, int)] == [54005] * 4


async def test_workers_that_begin_at_once_publish_one_key(database_url: str) -> None:
    async with open_service(database_url) as first, open_service(database_url) as second:
        published = await asyncio.gather(*(one.flows.sign_in.publish_keys() for one in (first, second)))

    assert published[0] == published[1]
