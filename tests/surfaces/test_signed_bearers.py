"""Which signed tokens are believed, and whom they speak for."""

import base64
import hashlib
import hmac
import json
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.surfaces.issuing import AUDIENCE, Issuer, ec_key, public_pem, rsa_key
from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.core.roles import PrincipalKind, Role
from topcoat.outbound import jwks
from topcoat.outbound.jwks import Jwks
from topcoat.settings import Settings
from topcoat.surfaces import signed_bearers
from topcoat.surfaces.signed_bearers import SignedBearers

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
GUID = "C0FFEE00-0000-4000-8000-00000000000A"


class Hands(Clock):
    """A clock that a test moves."""

    def __init__(self) -> None:
        super().__init__(is_adjustable=False)
        self.at = NOW

    def system_now(self) -> datetime:
        return self.at

    def monotonic_seconds(self) -> float:
        return (self.at - NOW).total_seconds()


class World:
    def __init__(self, issuer: Issuer | None = None) -> None:
        self.clock = Hands()
        self.issuer = issuer or Issuer()
        self.jwks = Jwks(self.issuer.load, self.clock)
        self.bearers = SignedBearers({self.issuer.name: self.jwks}.get, (AUDIENCE, "topcoat").__contains__, self.clock)

    def token(self, **parts: Any) -> str:
        return self.issuer.token(self.clock.at, **parts)

    async def fault(self, token: str) -> str | None:
        try:
            await self.bearers.identify(token)
        except errors.NotAuthenticated as error:
            return str(error.parts["reason"]) if error.parts["is_token_fault"] else "no fault of the token"
        return None


@pytest.fixture
def world() -> World:
    return World()


def seconds(**distance: float) -> int:
    return int((NOW + timedelta(**distance)).timestamp())


@pytest.mark.parametrize("key", [rsa_key("first"), ec_key("first")], ids=["RS256", "ES256"])
async def test_a_token_of_the_issuer_is_believed(key: Any) -> None:
    world = World(Issuer(keys={"first": key}))

    identity = await world.bearers.identify(world.token(sub="ada"))

    assert (identity.name, identity.kind, identity.role) == ("ada", PrincipalKind.USER, None)


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        ({"exp": seconds(seconds=-59)}, None),
        ({"exp": seconds(seconds=-60)}, "has expired"),
        ({"exp": seconds(days=-1)}, "has expired"),
        ({"exp": float("nan")}, "has expired"),
        ({"exp": "tomorrow"}, "has no instant in its claim exp"),
        ({"exp": None}, "lacks the claim exp"),
        ({"nbf": seconds(seconds=60)}, None),
        ({"nbf": seconds(seconds=61)}, "is not valid yet"),
        ({"nbf": "now"}, "has no instant in its claim nbf"),
        ({"nbf": None, "iat": None}, None),
        ({"aud": "topcoat"}, None),
        ({"aud": ["other", AUDIENCE]}, None),
        ({"aud": "api://other"}, "is for another audience"),
        ({"aud": ["api://other", f"{AUDIENCE}/"]}, "is for another audience"),
        ({"aud": None}, "lacks the claim aud"),
        ({"aud": {"a": 1}}, "is for another audience"),
        ({"iss": "https://issuer.example/other/v2.0"}, "is of an issuer that is not trusted here"),
        ({"iss": "https://issuer.example/tenant/v2.0/"}, "is of an issuer that is not trusted here"),
        ({"iss": None}, "is of an issuer that is not trusted here"),
        ({"sub": None}, "names nobody: it has neither oid nor sub"),
        ({"sub": 7}, "is not well made"),
        ({"sub": ""}, "names nobody: it has neither oid nor sub"),
    ],
)
async def test_a_token_is_judged_by_its_claims(world: World, claims: dict[str, Any], fault: str | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyJWT's own, of what no issuer would sign
        token = world.token(**claims)

    assert await world.fault(token) == (None if fault is None else f"The bearer token {fault}.")


def rewritten(token: str, **header: Any) -> str:
    """With another header, and the signature as it was."""
    _, payload, signature = token.split(".")
    return f"{part(header)}.{payload}.{signature}"


def part(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def claims_of(world: World) -> dict[str, Any]:
    return dict(jwt.decode(world.token(), options={"verify_signature": False}))


async def test_a_token_that_is_not_signed_is_refused(world: World) -> None:
    payload = part(claims_of(world))

    for algorithm in ("none", "None", "NONE", "nOnE", ""):
        token = f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': 'first'})}.{payload}."
        assert await world.fault(token) == "The bearer token is not signed with one of RS256, ES256."
    assert await world.fault(f"{part({'kid': 'first'})}.{payload}.") == (
        "The bearer token is not signed with one of RS256, ES256."
    )
    assert world.issuer.asked == 0


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(world: World, algorithm: str) -> None:
    head = part({"alg": algorithm, "typ": "JWT", "kid": "first"})
    signed = f"{head}.{part(claims_of(world))}"
    digest = getattr(hashlib, f"sha{algorithm[2:]}")
    mac = hmac.new(public_pem(world.issuer.keys["first"]), signed.encode(), digest).digest()
    token = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    assert await world.fault(token) == "The bearer token is not signed with one of RS256, ES256."
    as_rsa = rewritten(token, alg="RS256", typ="JWT", kid="first")
    assert await world.fault(as_rsa) == "The bearer token has a signature that does not fit."


async def test_a_key_is_for_one_algorithm(world: World) -> None:
    world.issuer.keys["second"] = ec_key("second")

    crossed = world.token(key=ec_key("second"), headers={"kid": "first"})
    swapped = rewritten(world.token(), alg="ES256", typ="JWT", kid="second")
    named = rewritten(world.token(), alg="ES256", typ="JWT", kid="first")

    assert await world.fault(crossed) == "The bearer token is signed with another algorithm than its key is for."
    assert await world.fault(swapped) == "The bearer token has a signature that does not fit."
    assert await world.fault(named) == "The bearer token is signed with another algorithm than its key is for."


async def test_a_token_that_was_changed_is_refused(world: World) -> None:
    head, _, signature = world.token().split(".")
    changed = part(claims_of(world) | {"roles": ["Topcoat.Owner"]})

    assert await world.fault(f"{head}.{changed}.{signature}") == "The bearer token has a signature that does not fit."


async def test_a_token_of_somebody_elses_key_is_refused(world: World) -> None:
    token = world.token(key=rsa_key("of somebody else"))

    assert await world.fault(token) == "The bearer token has a signature that does not fit."


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        "a.b.c.d",
        f"{part({'alg': 'RS256'})}.{part([1])}.",
        f"{part([1])}.{part({})}.",
        f"{part({'alg': 'RS256', 'kid': 7})}.{part({})}.",
        f"{part({'alg': 'RS256', 'crit': ['b64'], 'b64': False})}.{part({})}.",
        f"{part({'alg': 'RS256', 'crit': ['exp']})}.{part({})}.",
        f"{part({'alg': 'RS256'})}.{base64.urlsafe_b64encode(b'[' * 9000).decode()}.x",
        "ü.ü.ü",
    ],
)
async def test_what_is_no_token_is_refused(world: World, token: str) -> None:
    assert await world.fault(token) == "The bearer token is no JSON Web Token."


async def test_a_token_that_is_too_long_is_not_read(world: World) -> None:
    assert await world.fault("x" * 20_000) == "The bearer token is longer than 16384 bytes."


async def test_a_critical_extension_is_refused_on_a_signed_token_too(world: World) -> None:
    token = world.token(headers={"crit": ["exp"], "exp": 1})

    assert await world.fault(token) == "The bearer token is no JSON Web Token."


async def test_a_rotated_key_is_found_and_the_old_one_forgotten(world: World) -> None:
    old = world.token()
    before = await world.fault(old)
    world.issuer.keys = {"second": rsa_key("of somebody else")}

    after = await world.fault(world.token())
    world.clock.at += timedelta(seconds=signed_bearers.VERIFIED_KEPT_SECONDS)

    assert (before, after, world.issuer.asked) == (None, None, 2)
    assert await world.fault(old) == "The bearer token is signed with a key that its issuer does not publish."


async def test_an_unknown_key_is_looked_for_so_many_times_a_minute_only(world: World) -> None:
    unknown = [world.token(headers={"kid": f"unknown {n}"}) for n in range(20)]

    faults = {await world.fault(token) for token in unknown}
    asked = world.issuer.asked
    world.clock.at += timedelta(seconds=jwks.FETCHES_WINDOW_SECONDS)
    await world.fault(unknown[0])

    assert faults == {"The bearer token is signed with a key that its issuer does not publish."}
    assert (asked, world.issuer.asked) == (jwks.FETCHES_MAX, jwks.FETCHES_MAX + 1)


async def test_without_an_id_the_only_key_is_meant(world: World) -> None:
    anonymous = jwt.encode(claims_of(world), rsa_key("first"), "RS256")

    assert await world.fault(anonymous) is None
    two = World(Issuer(keys={"first": rsa_key("first"), "second": ec_key("second")}))
    assert await two.fault(anonymous) == "The bearer token is signed with a key that its issuer does not publish."


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The subject of each verification."""
    subjects: list[str] = []
    decode = jwt.decode

    def watched(*arguments: Any, **options: Any) -> Any:
        claims = decode(*arguments, **options)
        subjects.append(claims["sub"])
        return claims

    monkeypatch.setattr(jwt, "decode", watched)
    return subjects


async def test_a_verified_token_is_not_verified_again_until_it_expires(world: World, verified: list[str]) -> None:
    short = world.token(exp=seconds(seconds=30))
    long = world.token(sub="bob")

    for _ in range(3):
        assert [await world.fault(short), await world.fault(long)] == [None, None]
    once = [*verified]
    world.clock.at += timedelta(seconds=90)
    expired = await world.fault(short)
    world.clock.at += timedelta(seconds=signed_bearers.VERIFIED_KEPT_SECONDS)
    await world.fault(long)

    assert once == ["ada", "bob"]
    assert expired == "The bearer token has expired."
    assert verified == ["ada", "bob", "ada", "bob"]


async def test_as_many_verified_tokens_are_kept_as_there_is_room_for(
    world: World, verified: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_bearers, "VERIFIED_KEPT_MAX", 2)

    for name in ("one", "two", "three", "two", "three", "one"):
        await world.bearers.identify(world.token(sub=name))

    assert verified == ["one", "two", "three", "one"]


@pytest.mark.parametrize(
    ("claims", "kind", "ids"),
    [
        ({"sub": "pairwise", "oid": GUID, "azp": "client", "scp": "x"}, PrincipalKind.USER, (GUID.lower(), "pairwise")),
        ({"sub": GUID, "oid": GUID, "azp": "client"}, PrincipalKind.APP, (GUID.lower(), "client")),
        ({"sub": GUID, "oid": GUID, "appid": "client", "scp": "x"}, PrincipalKind.USER, (GUID.lower(),)),
        ({"sub": GUID, "oid": GUID, "appid": "client", "email": "a@b.c"}, PrincipalKind.USER, (GUID.lower(),)),
        ({"sub": "s", "oid": GUID, "azp": "client", "idtyp": "app"}, PrincipalKind.APP, (GUID.lower(), "s", "client")),
        ({"sub": "client", "azp": "client", "idtyp": "user"}, PrincipalKind.USER, ("client",)),
        ({"sub": "client", "client_id": "client", "scope": "x"}, PrincipalKind.APP, ("client",)),
        ({"sub": "ada", "azp": "client", "scope": "x"}, PrincipalKind.USER, ("ada",)),
        ({"sub": "ada", "oid": 7}, PrincipalKind.USER, ("ada",)),
        ({"sub": "ada", "idtyp": "app"}, PrincipalKind.APP, ("ada",)),
    ],
)
async def test_an_application_is_a_principal_only_where_it_speaks_for_itself(
    world: World, claims: dict[str, Any], kind: PrincipalKind, ids: tuple[str, ...]
) -> None:
    identity = await world.bearers.identify(world.token(**claims))

    assert (identity.kind, identity.ids) == (kind, ids)
    assert identity.name == ids[0]


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (["Topcoat.Viewer"], Role.VIEWER),
        (["Topcoat.Viewer", "Topcoat.Administrator", "Other.Owner"], Role.ADMINISTRATOR),
        (["Topcoat.Contributor"], Role.CONTRIBUTOR),
        (["Topcoat.Owner"], Role.OWNER),
        (["topcoat.owner", "Owner", "Admin"], None),
        ("Topcoat.Owner", None),
        ([["Topcoat.Owner"], 7], None),
    ],
)
async def test_an_application_role_is_a_role_everywhere(world: World, roles: Any, role: Role | None) -> None:
    assert (await world.bearers.identify(world.token(roles=roles))).role is role


async def test_groups_are_those_of_the_token(world: World) -> None:
    named = await world.bearers.identify(world.token(groups=[GUID, "owls", 7]))
    none = await world.bearers.identify(world.token(groups="owls"))

    assert named.groups == (GUID.lower(), "owls")
    assert none.groups == ()


async def test_a_weak_key_verifies_nothing() -> None:
    world = World(Issuer(keys={"first": rsa_key("weak", 1024)}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        token = world.token()

    assert await world.fault(token) == "The bearer token is signed with a key that is too short."


async def test_a_key_of_another_curve_does_not_count() -> None:
    world = World(Issuer(keys={"first": ec_key("other", ec.SECP384R1)}))
    token = jwt.encode(
        {"iss": world.issuer.name, "aud": AUDIENCE, "sub": "ada", "exp": seconds(hours=1)},
        ec_key("other", ec.SECP384R1),
        "ES384",
        headers={"kid": "first"},
    )

    assert await world.fault(token) == "The bearer token is not signed with one of RS256, ES256."
    assert await world.jwks.find_key("first") is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "TOPCOAT_AUTH_ISSUERS is missing"),
        ({"auth_audiences": "x"}, "TOPCOAT_AUTH_ISSUERS is missing"),
        ({"auth_issuers": "https://issuer.example"}, "TOPCOAT_AUTH_AUDIENCES is missing"),
        ({"auth_issuers": "http://issuer.example", "auth_audiences": "x"}, "TOPCOAT_AUTH_ISSUERS is 'http://issuer"),
        ({"auth_issuers": "issuer", "auth_audiences": "x"}, "TOPCOAT_AUTH_ISSUERS is 'issuer'"),
        (
            {"auth_issuers": "issuer", "auth_audiences": "x", "auth_jwks": "http://[x"},
            "TOPCOAT_AUTH_JWKS is 'http://[x'; expected an https address",
        ),
    ],
)
def test_settings_that_name_nobody_to_believe_are_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(errors.ParameterInvalid) as refused:
        signed_bearers.bearers_of(Settings(auth="entra", **settings), Hands())

    assert message in refused.value.message


async def test_keys_can_be_in_a_file_for_several_issuers(tmp_path: Path) -> None:
    issuers = [Issuer("one"), Issuer("two", {"second": ec_key("second")})]
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [key for issuer in issuers for key in issuer.jwks()["keys"]]}))
    settings = Settings(auth="entra", auth_issuers="one two", auth_audiences=AUDIENCE, auth_jwks=str(file))
    bearers = signed_bearers.bearers_of(settings, Hands())

    names = [(await bearers.identify(issuer.token(NOW, sub=issuer.name))).name for issuer in issuers]

    assert names == ["one", "two"]
