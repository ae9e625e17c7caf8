"""How many profiles match, without reading them: what the snapshot has, corrected for the changed ones."""

from topcoat.core.odata import evaluate
from topcoat.core.overlay.override import View
from topcoat.store import profile_sql
from topcoat.store.led_profiles import LedProfiles, ProfileQuestion
from topcoat.store.point import prepared
from topcoat.store.scans import ScanReader


async def count_profiles(reader: ScanReader, question: ProfileQuestion, view: View) -> int | None:
    """None where SQL cannot say the filter exactly, so that only the core can count."""
    led = LedProfiles(question, reader.is_postgresql)
    sql = led.sql
    in_snapshot = sql.snapshot_translation(led.parameters, "p").condition(question.filter)
    if not in_snapshot.is_exact:
        return None
    before = sql.before_translation(led.parameters, "m").condition(question.filter)
    after = sql.merged_translation(led.parameters, "m").condition(question.filter)
    changed = f"snapshot_profile p WHERE {sql.rows('p')} AND p.customer_id IN ({_changed_ids(led)})"
    text = f"""
SELECT (SELECT count(*) FROM snapshot_profile p WHERE {sql.rows("p")} AND ({in_snapshot.sql}))
     + COALESCE(sum(CASE WHEN {after.sql} THEN 1 ELSE 0 END - CASE WHEN {before.sql} THEN 1 ELSE 0 END), 0)
FROM {sql.merged(changed, question.columns, of_few=True)} AS m"""
    bound = led.parameters.values | profile_sql.view_parameters(view)
    rows = await reader.fetch(prepared(text), bound)
    return int(rows[0][0])


def _changed_ids(led: LedProfiles) -> str:
    """The changed profiles whose match may differ from the snapshot's; others that changed do no harm."""
    tree = led.question.filter
    columns = evaluate.columns_of(tree) if tree is not None else frozenset()
    if led.question.leads is None:
        named = led.sql.names_any("o", columns)
        return " UNION ALL ".join(f"SELECT {c.customer} FROM {c.rows}" for c in led.sql.changes(named))
    selects = []
    for lead in led.question.leads:
        source, conditions = led.led(lead)
        touched = led.sql.touched("p.customer_id", columns, of_few=True)
        selects.append(f"SELECT p.customer_id FROM {source} WHERE {' AND '.join(conditions)} AND {touched}")
        selects += [f"SELECT {changes.customer} FROM {changes.rows}" for changes in led.changes(lead)]
    return " UNION ALL ".join(selects)
