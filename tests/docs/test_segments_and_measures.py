"""The guide's examples are taken by the service and come to something."""

import json
import re
from datetime import timedelta
from pathlib import Path

import httpx

from tests.conftest import INSTANCE, open_service
from topcoat.flows.refresh import publish
from topcoat.flows.refresh.progress import Silent

HORIZON = timedelta(days=7)
GUIDE = Path(__file__).parents[2] / "docs" / "segments_and_measures.md"


async def test_the_examples_of_the_guide_work(client: httpx.AsyncClient, sqlite_url: str, base: str) -> None:
    measure, segment = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", GUIDE.read_text(), re.DOTALL))

    answers = [
        await client.post(f"{base}/manage/measures", json=measure),
        await client.post(f"{base}/manage/segments", json=segment),
    ]

    assert [answer.status_code for answer in answers] == [200, 201]
    async with open_service(sqlite_url) as service:
        await publish.compute_insights(service.store, service.clock, INSTANCE, Silent(), horizon=HORIZON)
    spenders = await client.get(f"{base}/data/Customer_Measure", params={"$filter": "ShopSpend gt 50"})
    assert spenders.json()["value"]
    members = await client.get(f"{base}/data/Customer", params={"$filter": "IsMemberOfSegment('SeattleShoppers')"})
    assert {member["City"] for member in members.json()["value"]} == {"Seattle"}
