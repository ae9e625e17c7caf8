"""Judging what was staged as a whole: no row twice, none without its customer, aliases led to survivors (S18)."""

from topcoat.core import errors
from topcoat.flows.refresh.publication import Publication
from topcoat.store import staging
from topcoat.store.staging import ACTIVITIES, KEY_RING, MEASURES, MEMBERSHIPS, PROFILES, SOURCE_RECORDS, SnapshotTable


async def merge_staged(publication: Publication) -> None:
    """Raise `SourceInvalid` for the first row that cannot be published."""
    publication.progress.start("Checking", 1, "rows")
    await _refuse_duplicates(publication, PROFILES, "CustomerId")
    await _refuse_duplicates(publication, MEMBERSHIPS, "CustomerId of segment")
    await staging.settle_aliases(publication.session, publication.instance_id, publication.active)
    await _refuse_duplicates(publication, KEY_RING, "key")
    await _refuse_duplicates(publication, ACTIVITIES, "ActivityId of one customer")
    await _refuse_duplicates(publication, MEASURES, "CustomerId")
    await _refuse_duplicates(publication, SOURCE_RECORDS, "key")
    for output in publication.catalog.output_tables():
        left_out = await staging.leave_out_strangers(publication.session, output.name)
        publication.report.without_customer[output.name] = left_out
    for table in (KEY_RING, ACTIVITIES, MEASURES, MEMBERSHIPS):
        stranger = await staging.find_stranger(publication.session, table)
        if stranger is not None:
            customers = publication.environment.unified_files.customers.name
            raise _invalid(publication, stranger, f"CustomerId '{stranger.value}' names no profile of {customers}")
    publication.progress.advance(1)


async def _refuse_duplicates(publication: Publication, table: SnapshotTable, what: str) -> None:
    fault = await staging.find_duplicate(publication.session, table)
    if fault is not None:
        reason = f"the {what} '{fault.value}' is there already, in line {fault.other_line}"
        raise _invalid(publication, fault, reason)


def _invalid(publication: Publication, fault: staging.StagedFault, reason: str) -> errors.SourceInvalid:
    return errors.SourceInvalid(file=publication.files[fault.file], line=fault.line, reason=reason)
