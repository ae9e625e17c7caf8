"""What is added to unified profiles and kept beside them."""

from collections.abc import Mapping

from topcoat.core.catalog import CUSTOMER, Catalog
from topcoat.core.enrichment import Enrichment
from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.enrich import reference, standardised

PROFILES = "profiles"


def enrich_profiles(engine: Engine, catalog: Catalog, enrichment: Enrichment) -> Mapping[str, int]:
    """Add all columns to the table of profiles; return how many profiles met several rows, by table of reference."""
    profiles = engine.table(PROFILES)
    for standard in enrichment.standards:
        profiles = standardised.standardise(profiles, standard)
    ambiguous: dict[str, int] = {}
    for number, asked in enumerate(enrichment.references):
        primary_key = catalog.get_table(asked.table).primary_key
        referred = reference.refer(profiles, engine.table(f"pulled_{asked.table}"), asked, primary_key)
        kept = engine.keep(f"referred_{number}", referred)
        several = int(kept.filter(kept[reference.ROWS_MET] > 1).count().to_pyarrow().as_py())
        ambiguous[asked.table] = ambiguous.get(asked.table, 0) + several
        profiles = kept.drop(reference.ROWS_MET)
    engine.keep(PROFILES, profiles.select(*catalog.get_table(CUSTOMER).columns_by_name))
    return ambiguous
