"""What an instance's rows are to it, said where each table is defined."""

from topcoat.store import schema


def test_every_table_with_rows_of_an_instance_says_what_it_holds() -> None:
    """Add `info={HOLDS: Holding.…}`: copying, resetting and deleting an instance go by it."""
    silent = {
        name
        for name, table in schema.metadata.tables.items()
        if "instance_id" in table.columns and not isinstance(table.info.get(schema.HOLDS), schema.Holding)
    }

    assert not silent
