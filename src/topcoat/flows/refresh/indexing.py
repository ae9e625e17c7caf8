"""The search index of a generation about to be activated, and the search section of its environment file."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from topcoat.core.catalog import CUSTOMER, Table
from topcoat.core.search_configuration import IndexedColumn, SearchConfiguration, system_generated
from topcoat.flows.refresh.environment import Environment
from topcoat.store import search_configurations, search_index, search_tokens
from topcoat.store.engine import Session, WriteConnection
from topcoat.store.search_configurations import StoredConfiguration

PRINCIPAL: Final = "environment file"


@dataclass(frozen=True, slots=True)
class Indexing:
    """`section` is what the file brings anew; None where it brings nothing, or what was applied already."""

    session: Session
    instance_id: int
    table: Table
    stored: StoredConfiguration | None
    section: tuple[IndexedColumn, ...] | None

    @classmethod
    async def of(cls, session: Session, instance_id: int, environment: Environment) -> Self:
        """A configuration that was replaced since wins, until the file's section itself changes."""
        async with session.scratch() as connection:
            stored = await search_configurations.find_stored(connection, instance_id)
        section = environment.search
        is_applied = (
            section is not None
            and stored is not None
            and stored.file_digest == search_configurations.digest_of(section)
        )
        table = environment.catalog.get_table(CUSTOMER)
        return cls(session, instance_id, table, stored, None if is_applied else section)

    async def prepare(self, generation: int) -> None:
        """Indexes and tokens as the generation will need them; nothing of it shows yet."""
        coming = self._coming()
        names = {*coming.searched_names(), *self._held().searched_names()}
        if self.section is not None:
            await search_index.settle_tokens(self.session, self.instance_id, names)
        elif names:
            await search_tokens.fill(self.session, self.instance_id, names, generation=generation)
        await search_index.settle_indexes(self.session, self.instance_id, self.table, coming)

    async def apply(self, connection: WriteConnection, now: datetime) -> None:
        """In the transaction that activates the generation."""
        if self.section is None:
            return
        saved = await search_configurations.save_configuration(
            connection,
            self.instance_id,
            self.section,
            principal=PRINCIPAL,
            now=now,
            file_digest=search_configurations.digest_of(self.section),
        )
        await search_configurations.mark_built(connection, self.instance_id, saved.version)

    def _held(self) -> SearchConfiguration:
        return system_generated(self.table) if self.stored is None else self.stored.configuration

    def _coming(self) -> SearchConfiguration:
        return self._held() if self.section is None else SearchConfiguration(self.section, is_system_generated=False)
