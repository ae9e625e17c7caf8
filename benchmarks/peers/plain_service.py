"""The same job done plainly: FastAPI and the SQLAlchemy ORM, a commit per request, two queries merged per read.

It has no authentication, no generations, no lookup in snapshot activities; what it promises, a row that is on disk
before the answer, is the same. Configured by PEER_DATABASE_URL and PEER_CUSTOMERS.
"""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import sqlalchemy
from fastapi import Depends, FastAPI, HTTPException, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON, DateTime, ForeignKey, event, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ACTIVITY_LIFETIME = timedelta(days=30)
CHANGE_LIFETIME = timedelta(hours=4)
SEED_BATCH = 500


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSON}  # noqa: RUF012 - SQLAlchemy's idiom


class Customer(Base):
    __tablename__ = "customer"

    CustomerId: Mapped[str] = mapped_column(primary_key=True)
    FullName: Mapped[str | None]
    FirstName: Mapped[str | None]
    LastName: Mapped[str | None]
    EMail: Mapped[str | None]
    Telephone: Mapped[str | None]
    DateOfBirth: Mapped[date | None]
    Gender: Mapped[str | None]
    AddressLine1: Mapped[str | None]
    City: Mapped[str | None]
    PostalCode: Mapped[str | None]
    Country: Mapped[str | None]
    LoyaltyTier: Mapped[str | None]
    RewardsPoints: Mapped[int | None]
    TotalSpend: Mapped[float | None]
    EmailOptIn: Mapped[bool | None]
    CustomerSince: Mapped[datetime | None]
    ContactId: Mapped[str | None]
    LoyaltyId: Mapped[str | None]
    PreviousCustomerId: Mapped[str | None]


class ProfileChange(Base):
    __tablename__ = "profile_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customer.CustomerId"), index=True)
    values: Mapped[dict[str, Any]]
    recorded_at: Mapped[datetime]
    valid_until: Mapped[datetime]


class Activity(Base):
    __tablename__ = "activity"

    CustomerId: Mapped[str] = mapped_column(ForeignKey("customer.CustomerId"), primary_key=True)
    ActivityId: Mapped[str] = mapped_column(primary_key=True)
    ActivityTime: Mapped[datetime]
    ActivityType: Mapped[str]
    ActivityTypeDisplay: Mapped[str | None]
    ActivityName: Mapped[str | None]
    Title: Mapped[str | None]
    Description: Mapped[str | None]
    ExternalUrl: Mapped[str | None]
    valid_until: Mapped[datetime]


class CustomerModel(BaseModel):
    """A profile on the wire; every column may be changed but the keys."""

    model_config = ConfigDict(from_attributes=True)

    CustomerId: str
    FullName: str | None = None
    FirstName: str | None = None
    LastName: str | None = None
    EMail: str | None = None
    Telephone: str | None = None
    DateOfBirth: date | None = None
    Gender: str | None = None
    AddressLine1: str | None = None
    City: str | None = None
    PostalCode: str | None = None
    Country: str | None = None
    LoyaltyTier: str | None = None
    RewardsPoints: int | None = None
    TotalSpend: float | None = None
    EmailOptIn: bool | None = None
    CustomerSince: datetime | None = None
    ContactId: str | None = None
    LoyaltyId: str | None = None
    PreviousCustomerId: str | None = None


class ChangeModel(BaseModel):
    model_config = ConfigDict(extra="forbid")

    EMail: str | None = None
    Telephone: str | None = None
    City: str | None = None
    LoyaltyTier: str | None = None
    RewardsPoints: int | None = None


class ActivityModel(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    CustomerId: str
    ActivityId: str | None = None
    ActivityTime: datetime
    ActivityType: str
    ActivityTypeDisplay: str | None = None
    ActivityName: str | None = None
    Title: str | None = None
    Description: str | None = None
    ExternalUrl: str | None = None


# The default pool opens a connection anew for every request beyond five; this one is faster on both databases.
engine = create_async_engine(
    os.environ.get("PEER_DATABASE_URL", "sqlite+aiosqlite:///peer.db"), pool_size=5, max_overflow=0
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def open_session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(open_session)]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await seed(int(os.environ.get("PEER_CUSTOMERS", "1000")))
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/activities", status_code=201)
async def create_activity(body: ActivityModel, session: Session) -> ActivityModel:
    values = body.model_dump()
    values["ActivityId"] = body.ActivityId or uuid.uuid4().hex
    activity = Activity(**values, valid_until=now() + ACTIVITY_LIFETIME)
    session.add(activity)
    try:
        await session.commit()
    except IntegrityError:
        raise HTTPException(409, "The activity is there already, or its customer is unknown.") from None
    return ActivityModel.model_validate(activity)


@app.get("/customers/{customer_id}/activities/{activity_id}")
async def read_activity(customer_id: str, activity_id: str, session: Session) -> ActivityModel:
    activity = await session.get(Activity, (customer_id, activity_id))
    if activity is None or aware(activity.valid_until) <= now():
        raise HTTPException(404, "No such activity.")
    return ActivityModel.model_validate(activity)


@app.patch("/customers/{customer_id}", status_code=204)
async def change_customer(customer_id: str, body: ChangeModel, session: Session) -> Response:
    session.add(
        ProfileChange(
            customer_id=customer_id,
            values=body.model_dump(mode="json", exclude_unset=True),
            recorded_at=now(),
            valid_until=now() + CHANGE_LIFETIME,
        )
    )
    try:
        await session.commit()
    except IntegrityError:
        raise HTTPException(404, "No such customer.") from None
    return Response(status_code=204)


@app.get("/customers/{customer_id}")
async def read_customer(customer_id: str, session: Session) -> CustomerModel:
    customer = await session.get(Customer, customer_id)
    if customer is None:
        raise HTTPException(404, "No such customer.")
    live_changes = await session.scalars(
        select(ProfileChange)
        .where(ProfileChange.customer_id == customer_id, ProfileChange.valid_until > now())
        .order_by(ProfileChange.id)
    )
    merged = CustomerModel.model_validate(customer)
    for change in live_changes:
        merged = merged.model_copy(update=change.values)
    return merged


@app.get("/ready")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


def customer_id(number: int) -> str:
    """The id of the seeded customer of that number, counted from 0."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"customer/{number}").hex


async def seed(customers: int) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
        for start in range(0, customers, SEED_BATCH):
            rows = [_customer(number) for number in range(start, min(start + SEED_BATCH, customers))]
            await connection.execute(insert(Customer), rows)


def now() -> datetime:
    return datetime.now(UTC)


def aware(instant: datetime) -> datetime:
    """SQLite gives instants back without their zone."""
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _customer(number: int) -> dict[str, Any]:
    return {
        "CustomerId": customer_id(number),
        "FullName": f"Person Number{number}",
        "FirstName": "Person",
        "LastName": f"Number{number}",
        "EMail": f"person.number{number}@contoso.com",
        "Telephone": f"+1 206 555 {number % 10_000:04}",
        "DateOfBirth": date(1950 + number % 55, 1 + number % 12, 1 + number % 28),
        "Gender": ("Female", "Male", "Other")[number % 3],
        "AddressLine1": f"{number} Pike Street",
        "City": ("Seattle", "Portland", "Denver", "Boston")[number % 4],
        "PostalCode": f"{number % 100_000:05}",
        "Country": "United States",
        "LoyaltyTier": ("Bronze", "Silver", "Gold")[number % 3],
        "RewardsPoints": number % 5000,
        "TotalSpend": number % 100_000 / 100,
        "EmailOptIn": number % 2 == 0,
        "CustomerSince": datetime(2015 + number % 10, 1 + number % 12, 1 + number % 28, 8, 30, tzinfo=UTC),
        "ContactId": f"CNTID_{1001 + number}",
        "LoyaltyId": f"LOYID_{1001 + number}",
        "PreviousCustomerId": None,
    }


def _prepare_sqlite(async_engine: AsyncEngine) -> None:
    """Wait for other writers, check references, and keep what was acknowledged through a loss of power."""

    @event.listens_for(async_engine.sync_engine, "connect")
    def on_connect(connection: sqlalchemy.engine.interfaces.DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        for setting in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()


if engine.dialect.name == "sqlite":
    _prepare_sqlite(engine)
