"""How many profiles match, without reading them: what the snapshot has, corrected for the changed ones."""

from topcoat.core.odata import evaluate
from topcoat.core.overlay.override import View
from topcoat.store import profile_sql, values
from topcoat.store.leads import ColumnLead
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
FROM {sql.merged(changed)} AS m"""
    bound = led.parameters.values | profile_sql.view_parameters(view)
    rows = await reader.fetch(prepared(text), bound)
    return int(rows[0][0])


def _changed_ids(led: LedProfiles) -> str:
    """The changed profiles whose match may differ from the snapshot's; others that changed do no harm."""
    if led.question.leads is None:
        return f"SELECT o.customer_id FROM ({led.sql.changes(_names_any(led))}) AS o"
    selects = []
    for lead in led.question.leads:
        source, conditions = led.led(lead)
        touched = led.sql.touched("p.customer_id")
        selects.append(f"SELECT p.customer_id FROM {source} WHERE {' AND '.join(conditions)} AND {touched}")
        if isinstance(lead, ColumnLead):
            selects.append(f"SELECT o.customer_id FROM ({led.changes(lead)}) AS o")
    return " UNION ALL ".join(selects)


def _names_any(led: LedProfiles) -> str:
    tree, columns = led.question.filter, led.question.table.columns_by_name
    names = sorted(evaluate.columns_of(tree)) if tree is not None else []
    tests = [values.names_sql(columns[name], "o.column_values", is_postgresql=led.is_postgresql) for name in names]
    return " OR ".join(tests) if tests else "1 = 0"
