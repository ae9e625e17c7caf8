"""Many rows in one parameter: a JSON array that a statement reads as a table, whatever its length."""

from collections.abc import Mapping, Sequence

NEW_ACTIVITY_COLUMNS: Mapping[str, str] = {
    "sequence": "bigint",
    "customer_id": "text",
    "customer_table": "text",
    "customer_key": "text",
    "activity_id": "text",
    "activity_time": "bigint",
    "activity_type": "text",
    "source_table": "text",
    "valid_until": "bigint",
    "caller": "text",
    "principal": "text",
    "document": "jsonb",
}

NEW_OVERRIDE_COLUMNS: Mapping[str, str] = {
    "sequence": "bigint",
    "customer_id": "text",
    "valid_until": "bigint",
    "caller": "text",
    "principal": "text",
    "column_values": "jsonb",
    "tokens": "text[]",
}

NEW_RELEASE_COLUMNS: Mapping[str, str] = {
    "sequence": "bigint",
    "customer_id": "text",
    "released_sequence": "bigint",
    "column_name": "text",
    "generation": "bigint",
    "principal": "text",
}

NEW_ANSWER_COLUMNS: Mapping[str, str] = {
    "key_digest": "text",
    "request_digest": "text",
    "sequence": "bigint",
    "valid_until": "bigint",
    "customer_id": "text",
    "activity_id": "text",
    "document": "text",
}

NEW_USAGE_COLUMNS: Mapping[str, str] = {
    "guid": "text",
    "operation": "text",
    "table_name": "text",
    "caller": "text",
    "status": "integer",
    "error": "text",
    "calls": "bigint",
    "received_bytes": "bigint",
    "sent_bytes": "bigint",
    "microseconds": "bigint",
}

NEW_COUNT_COLUMNS: Mapping[str, str] = {"name": "text", "labels": "text", "value": "bigint"}


def rows_from_json(columns: Mapping[str, str], *, is_postgresql: bool) -> str:
    """A table expression named `new` over the parameter `:rows`; types are PostgreSQL's."""
    if is_postgresql:
        typed = ", ".join(f"{name} {type_}" for name, type_ in columns.items())
        return f"jsonb_to_recordset(CAST(:rows AS jsonb)) AS new({typed})"
    extracted = ", ".join(f"value ->> '$.{name}' AS {name}" for name in columns)
    return f"(SELECT {extracted} FROM json_each(:rows)) AS new"


def ids_from_json(*, is_postgresql: bool) -> str:
    """A table expression named `named` with one column `customer_id`, over the parameter `:ids`."""
    if is_postgresql:
        return "jsonb_array_elements_text(CAST(:ids AS jsonb)) AS named(customer_id)"
    return "(SELECT value AS customer_id FROM json_each(:ids)) AS named"


def among_ids(*, is_postgresql: bool) -> str:
    """The end of a condition `column …` on the parameter `:ids`: a look-up by key for each, never a join."""
    return among(":ids", is_postgresql=is_postgresql)


def among(listed: str, *, is_postgresql: bool) -> str:
    """The same on any parameter that is a JSON list."""
    elements = elements_of(listed, is_postgresql=is_postgresql)
    return f"= ANY(ARRAY({elements}))" if is_postgresql else f"IN ({elements})"


def elements_of(listed: str, *, is_postgresql: bool) -> str:
    """The texts of a JSON list, as a query."""
    if is_postgresql:
        return f"SELECT jsonb_array_elements_text(CAST({listed} AS jsonb))"
    return f"SELECT value FROM json_each({listed})"


def token_value(tokens: Sequence[str], *, is_postgresql: bool) -> list[str] | str:
    """Tokens as a row brings them and as they are kept."""
    return list(tokens) if is_postgresql else f" {' '.join(tokens)} "


def load_tokens(value: list[str] | str) -> list[str]:
    return value.split() if isinstance(value, str) else value
