"""Tables and queries of other people's SQL databases, read in batches through a cursor on the server's side."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import quote

import asyncpg
import sqlalchemy
from sqlalchemy import URL, Connection, FromClause, exc
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.util import greenlet_spawn

from topcoat.core import catalog, errors

BATCH_ROWS: Final = 10_000
CONNECT_TIMEOUT_SECONDS: Final = 10

# For addresses that leave the driver open; those of other databases are SQLAlchemy's defaults.
_DRIVERS: Final = {
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
_CONNECTING: Final[dict[str, dict[str, Any]]] = {
    "postgresql+asyncpg": {"timeout": CONNECT_TIMEOUT_SECONDS},
    "mysql+pymysql": {"connect_timeout": CONNECT_TIMEOUT_SECONDS},
    "mariadb+pymysql": {"connect_timeout": CONNECT_TIMEOUT_SECONDS},
}
# Besides what SQLAlchemy wraps: asyncpg's own while rows come, a driver that is not there, a setting in an address that
# the driver does not have, a value that Python cannot hold.
_FAILURES: Final = (
    exc.SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    ImportError,
    TypeError,
    ValueError,
)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Relation:
    """What there is to read: a table, whose name may have a schema before a point, or a query.

    `read_for` is the table of the environment that its rows belong to, for errors.
    """

    url: str
    read_for: str
    table: str | None = None
    query: str | None = None

    @property
    def address(self) -> URL | None:
        """None where it is none."""
        return _parsed(self.url)

    @property
    def name(self) -> str:
        """Without user, password and settings: `crm.accounts in postgresql://crm.example/sales`."""
        return f"{self.table or 'a query'} in {_shown(self.address)}"

    def refuse(self, reason: str) -> errors.SourceFaulty:
        return errors.SourceFaulty(source=self.name, table=self.read_for, where="", reason=reason)


def read(relation: Relation, work: Callable[["Reader"], Result]) -> Result:
    """Do work on the relation over one connection and in one transaction, and return what it returns.

    For a thread without an event loop: drivers that need one get their own. Raise `SourceFaulty` for a database that
    does not answer, or refuses.
    """
    result: Result = asyncio.run(greenlet_spawn(_read, relation, work))
    return result


class Reader:
    """`columns` are those of the relation, as it spells them."""

    def __init__(self, relation: Relation, connection: Connection) -> None:
        self.relation = relation
        self._connection = connection
        self._from = _from_clause(relation)
        with _asking(relation):
            empty = sqlalchemy.select(sqlalchemy.text("*")).select_from(self._from).where(sqlalchemy.false())
            self.columns: tuple[str, ...] = tuple(connection.execute(empty).keys())

    def get_column(self, name: str) -> str:
        """Its own spelling: databases fold names that nobody quotes. Raise `SourceFaulty` where there is none."""
        if name in self.columns:
            return name
        alike = [column for column in self.columns if column.casefold() == name.casefold()]
        if len(alike) == 1:
            return alike[0]
        raise self.relation.refuse(f"there is no column '{name}'{catalog.suggestion(name, self.columns)}")

    def highest(self, column: str, *, at_least: Any = None) -> Any:
        """The highest value of a column, or None; `at_least` is a value of the column."""
        found = sqlalchemy.select(sqlalchemy.func.max(_column(column))).select_from(self._from)
        if at_least is not None:
            found = found.where(_column(column) >= at_least)
        with _asking(self.relation):
            return self._connection.execute(found).scalar()

    def batches(
        self, columns: Sequence[str], *, watermark: str | None = None, at_least: Any = None
    ) -> Iterator[Sequence[Sequence[Any]]]:
        """Rows; those whose watermark is below a value are left out, those without a watermark are not."""
        rows = sqlalchemy.select(*map(_column, columns)).select_from(self._from)
        if watermark is not None and at_least is not None:
            rows = rows.where((_column(watermark) >= at_least) | _column(watermark).is_(None))
        with _asking(self.relation):
            batches = self._connection.execution_options(yield_per=BATCH_ROWS).execute(rows).partitions()
        while True:
            with _asking(self.relation):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch


def _read(relation: Relation, work: Callable[[Reader], Result]) -> Result:
    if relation.address is None:
        raise relation.refuse("the address cannot be read, expected one such as postgresql://user@host/database")
    url = _driven(relation.address)
    settings = _CONNECTING.get(url.drivername, {})
    with _asking(relation):
        connection = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, connect_args=settings).connect()
    with connection:
        return work(Reader(relation, connection))


@contextmanager
def _asking(relation: Relation) -> Iterator[None]:
    try:
        yield
    except _FAILURES as error:
        raise relation.refuse(_reason(relation, error)) from None


def _driven(url: URL) -> URL:
    """With the driver, and so that SQLite opens a file that is there and makes none."""
    if url.get_backend_name() == "sqlite" and url.database and not url.database.startswith((":", "file:")):
        return url.set(database=f"file:{quote(url.database)}").update_query_dict({"mode": "ro", "uri": "true"})
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def _from_clause(relation: Relation) -> FromClause:
    if relation.query is None:
        schema, _, name = (relation.table or "").rpartition(".")
        return sqlalchemy.table(name, schema=schema or None)
    # The line's end closes a comment that the query may end with; a colon in it is no parameter.
    query = relation.query.strip().rstrip(";").replace(":", "\\:") + "\n"
    return sqlalchemy.text(query).columns().subquery("pulled")


def _column(name: str) -> sqlalchemy.ColumnClause[Any]:
    return sqlalchemy.column(quoted_name(name, quote=True))


def _shown(address: URL | None) -> str:
    if address is None:
        return "a database"
    shown = URL.create(address.drivername, host=address.host, port=address.port, database=address.database)
    return shown.render_as_string(hide_password=False)


def _parsed(url: str) -> URL | None:
    try:
        return sqlalchemy.make_url(url)
    except (exc.ArgumentError, ValueError):  # the latter for a port that is no number
        return None


def _reason(relation: Relation, error: BaseException) -> str:
    """In one line, and with secrets blacked out."""
    if isinstance(error, ModuleNotFoundError):
        return f"reading it takes the Python module '{error.name}', which is not installed"
    said = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    text = str(said.args[-1]) if said.args else type(said).__name__
    line = " ".join(text.split()).rstrip(".")
    for secret in _secrets(relation.address):
        line = line.replace(secret, "***")
    return f"it cannot be read: {line}"


def _secrets(address: URL | None) -> Iterator[str]:
    if address is None:
        return
    if address.password:
        yield address.password
    for key, values in address.normalized_query.items():
        if "pass" in key.lower():
            yield from values
