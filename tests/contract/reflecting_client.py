"""python-odata, unmodified, at a service with https: prints what it made of its metadata and got, as one JSON object.

Runs in an environment of its own, with a token of msal.
"""

import json
import sys
from datetime import UTC, datetime
from typing import Any

import msal
import requests
from odata import ODataService  # type: ignore[import-not-found]  # its own environment
from odata.exceptions import ODataError  # type: ignore[import-not-found]

GIVEN = json.loads(sys.argv[1])
ROOT = GIVEN["reading"]


def session() -> requests.Session:
    application = msal.ConfidentialClientApplication(
        "topcoat-contributor", "topcoat-secret", authority=f"{ROOT}/contoso", instance_discovery=False
    )
    token = application.acquire_token_for_client([f"{ROOT}/.default"])["access_token"]
    opened = requests.Session()
    opened.headers["Authorization"] = f"Bearer {token}"
    return opened


def failure(call: Any) -> Any:
    try:
        return {"not raised": repr(call())}
    except ODataError as error:
        return {"type": type(error).__name__, "said": str(error)}


def reflected(entity: Any) -> dict[str, str]:
    """The kinds of its properties."""
    found = {name: vars(base)[name] for base in entity.__mro__ for name in vars(base) if not name.startswith("_")}
    return {name: type(one).__name__ for name, one in found.items() if type(one).__name__.endswith("Property")}


def main() -> None:
    service = ODataService(f"{ROOT}/api/data/v9.2/", reflect_entities=True, session=session(), quiet_progress=True)
    Profile = service.entities["msdynci_customerprofiles"]  # noqa: N806 - a class
    Activity = service.entities["msdynci_unifiedactivities"]  # noqa: N806
    profiles = service.query(Profile).order_by(Profile.msdynci_customerid.asc())

    def ids(condition: Any) -> list[str]:
        return [profile.msdynci_customerid for profile in profiles.filter(condition).all()]

    abbie = service.query(Profile).get(GIVEN["abbie_guid"])
    activity = service.query(Activity).filter(Activity.msdynci_customerid == GIVEN["abbie"]).first()
    profile = profiles.first()
    profile.msdynci_city = "Rome"
    got = {
        "sets": sorted(service.entities),
        "profile": reflected(Profile),
        "activity": reflected(Activity),
        "all": [one.msdynci_customerid for one in profiles.all()],
        "one": [abbie.msdynci_fullname, str(abbie.msdynci_totalspend), abbie.msdynci_customersince.isoformat()],
        "selected": profiles.select(Profile.msdynci_fullname).limit(2).all(),
        "count": [service.query(Profile).count(), profiles.filter(Profile.msdynci_city == "Seattle").count()],
        "activities of the profile": sorted(one.msdynci_activityid for one in abbie.msdynci_customer_unifiedactivity),
        "profile of the activity": activity.msdynci_lookupfield_customer.msdynci_fullname,
        "expanded": [
            len(one.msdynci_customer_unifiedactivity)
            for one in profiles.expand(Profile.msdynci_customer_unifiedactivity).limit(3).all()
        ],
        "conditions": {
            "eq": ids(Profile.msdynci_city == "SEATTLE"),
            "contains": ids(Profile.msdynci_fullname.contains("an")),
            "lacks": ids(Profile.msdynci_fullname.lacks("an")),
            "naive": ids(Profile.msdynci_customersince >= datetime(2022, 1, 1, 12, 30)),
            "aware": ids(Profile.msdynci_customersince >= datetime(2022, 1, 1, 12, 30, tzinfo=UTC)),
            "date": ids(Profile.msdynci_dateofbirth < "1980-01-01"),
            "startswith": ids(Profile.msdynci_fullname.startswith("GE")),
            "boolean": ids(Profile.msdynci_emailoptin == True),  # noqa: E712 - its way to say it
            "decimal": ids(Profile.msdynci_totalspend > 100),
            "null": ids(Profile.msdynci_loyaltytier.is_null()),
            "or": ids(
                profiles.or_(Profile.msdynci_loyaltytier == "Gold", Profile.msdynci_rewardspoints > 500),
            ),
        },
        "offset": failure(profiles.offset(1).all),
        "unknown": failure(lambda: service.query(Profile).get("00000000-0000-4000-8000-00000000dead")),
        "save": failure(lambda: service.save(profile)),
        "delete": failure(lambda: service.delete(abbie)),
    }
    sys.stdout.write(json.dumps(got))


if __name__ == "__main__":
    main()
