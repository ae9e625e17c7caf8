"""Source records become activities (S11, S12, S14)."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import make
from topcoat.core import catalog, errors, mapping
from topcoat.core.catalog import Column, ColumnType
from topcoat.core.mapping import CustomerReference, SourceActivity

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PURCHASES = make.source_table(activity=make.activity_configuration())

instants = st.timedeltas(timedelta(0), timedelta(days=2_900_000)).map(EPOCH.__add__)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


def published(record: dict[str, Any], table: catalog.Table = PURCHASES) -> SourceActivity:
    return mapping.map_source_record(table, mapping.validate_source_record(table, record))


def test_a_source_record_becomes_an_activity_by_the_configuration_of_its_table() -> None:
    """S11."""
    activity = published(make.purchase())

    assert activity.document == {
        "ActivityId": mapping.deterministic_activity_id("PoS_posPurchases", "P-1"),
        "ActivityTime": "2026-11-24T11:30:00Z",
        "ActivityType": "SalesOrder",
        "ActivityTypeDisplay": "Store purchase",
        "ActivityName": "Pike Place",
        "Title": "Pike Place",
        "Description": "12.5",
        "ExternalUrl": "https://contoso.com/receipts/P-1",
        "EntityName": "PoS_posPurchases",
        "ActualActivityId": "P-1",
        "SemanticData": json.dumps(make.purchase(), ensure_ascii=False, sort_keys=True, separators=(",", ":")),
    }


def test_the_foreign_key_points_to_a_record_of_the_customer_table() -> None:
    """S11, S14, S19: the key ring knows the profile, if any."""
    activity = published(make.purchase(LoyaltyID="L-77"))

    assert activity.customer == CustomerReference("LoyaltyScheme_loyCustomers", "L-77")
    assert "CustomerId" not in activity.document


def test_a_mapped_activity_has_only_columns_of_unified_activity() -> None:
    """S11."""
    document = published(make.purchase()).document

    assert set(document) <= set(catalog.UNIFIED_ACTIVITY_TABLE.columns_by_name)
    assert catalog.validate_columns(catalog.UNIFIED_ACTIVITY_TABLE, document) == document


def test_a_configured_title_comes_before_the_event() -> None:
    """S11."""
    table = make.source_table(activity=make.activity_configuration(title="Currency"))

    document = published(make.purchase(), table).document

    assert (document["Title"], document["ActivityName"]) == ("USD", "Pike Place")


def test_parts_that_are_not_configured_are_left_out() -> None:
    """S11."""
    configuration = make.activity_configuration(event=None, detail=None, url=None)

    document = published(make.purchase(), make.source_table(activity=configuration)).document

    assert not {"ActivityName", "Title", "Description", "ExternalUrl"} & set(document)


@pytest.mark.parametrize("column", ["StoreName", "TotalAmount", "ReceiptUrl"])
def test_a_part_may_be_null_or_missing_in_the_record(column: str) -> None:
    """S11."""
    with_null, without = make.purchase(**{column: None}), make.purchase()
    del without[column]

    documents = [published(record).document for record in (with_null, without)]

    left_out = {"StoreName": "ActivityName", "TotalAmount": "Description", "ReceiptUrl": "ExternalUrl"}[column]
    assert all(left_out not in document for document in documents)


def test_semantic_data_holds_the_source_record_without_its_nulls() -> None:
    """S11."""
    record = make.purchase(StoreName="Bergstraße ☕")

    semantic_data = published(record | {"Currency": None}).document["SemanticData"]

    assert json.loads(semantic_data) == {name: value for name, value in record.items() if name != "Currency"}
    assert "Bergstraße ☕" in semantic_data


def test_a_date_alone_is_its_first_instant_in_utc() -> None:
    columns = tuple(
        Column("PurchasedOn", ColumnType.DATE) if column.name == "PurchasedOn" else column
        for column in make.PURCHASE_COLUMNS
    )
    table = make.source_table(columns=columns, activity=make.activity_configuration())

    document = published(make.purchase(PurchasedOn="2026-11-24"), table).document

    assert document["ActivityTime"] == "2026-11-24T00:00:00Z"


@pytest.mark.parametrize(
    ("type_", "value", "text"),
    [
        (ColumnType.INTEGER, 42, "42"),
        (ColumnType.DECIMAL, 42.5, "42.5"),
        (ColumnType.BOOLEAN, True, "true"),
        (ColumnType.DATE, "2026-11-24", "2026-11-24"),
        (ColumnType.STRING, "0042", "0042"),
    ],
)
def test_keys_of_any_type_are_texts_in_the_activity(type_: ColumnType, value: object, text: str) -> None:
    """S11: UnifiedActivity and the key ring hold texts."""
    columns = (Column("PurchaseId", type_), Column("LoyaltyID", type_), *make.PURCHASE_COLUMNS[2:])
    table = make.source_table(columns=columns, activity=make.activity_configuration())

    activity = published(make.purchase(PurchaseId=value, LoyaltyID=value), table)

    assert activity.document["ActualActivityId"] == activity.customer.key == text
    assert activity.document["ActivityId"] == mapping.deterministic_activity_id(table.name, text)


@pytest.mark.parametrize("column", ["PurchaseId", "LoyaltyID", "PurchasedOn"])
def test_a_record_needs_its_primary_key_its_foreign_key_and_its_timestamp(column: str) -> None:
    """S11."""
    with_null, without = make.purchase(**{column: None}), make.purchase()
    del without[column]

    for record in (with_null, without):
        with pytest.raises(errors.MissingColumn) as refused:
            published(record)

        assert refused.value.message == (f"Column {column} of table PoS_posPurchases is mandatory and missing or null.")


@pytest.mark.parametrize("column", ["PurchaseId", "LoyaltyID"])
def test_an_empty_key_is_a_missing_one(column: str) -> None:
    """S11."""
    with pytest.raises(errors.MissingColumn):
        published(make.purchase(**{column: ""}))


def test_a_table_without_activity_configuration_makes_no_activities() -> None:
    """S11."""
    with pytest.raises(errors.ActivityNotConfigured) as refused:
        published(make.purchase(), make.source_table())

    assert refused.value.message == (
        "Table PoS_posPurchases has no activity configuration, so its records cannot become activities."
    )


@pytest.mark.parametrize(
    ("zone", "text", "instant"),
    [
        ("UTC", "2026-07-01T12:00:00", "2026-07-01T12:00:00Z"),
        ("Europe/Berlin", "2026-07-01T12:00:00", "2026-07-01T10:00:00Z"),
        ("Europe/Berlin", "2026-12-01T12:00:00", "2026-12-01T11:00:00Z"),
        ("Europe/Berlin", "2026-12-01 12:00:00.5", "2026-12-01T11:00:00.500000Z"),
        ("America/Los_Angeles", "2026-12-31T23:00:00", "2027-01-01T07:00:00Z"),
        ("Europe/Berlin", "2026-12-01T12:00:00Z", "2026-12-01T12:00:00Z"),
        ("Europe/Berlin", "2026-12-01T12:00:00+05:30", "2026-12-01T06:30:00Z"),
    ],
)
def test_a_date_time_without_offset_is_in_the_tables_time_zone(zone: str, text: str, instant: str) -> None:
    """S11: one with an offset is what it says."""
    table = make.source_table(activity=make.activity_configuration(time_zone=zone))

    activity = published(make.purchase(PurchasedOn=text), table)

    assert activity.document["ActivityTime"] == instant
    assert json.loads(activity.document["SemanticData"])["PurchasedOn"] == instant


@pytest.mark.parametrize(("value", "found"), [("noon", "the string 'noon'"), (12, "the number 12")])
def test_what_is_no_date_time_in_any_time_zone_is_refused_as_it_came(value: Any, found: str) -> None:
    """S11."""
    table = make.source_table(activity=make.activity_configuration(time_zone="Europe/Oslo"))

    with pytest.raises(errors.WrongType) as raised:
        mapping.validate_source_record(table, make.purchase(PurchasedOn=value))

    assert raised.value.parts["found"] == found


def test_a_table_without_configuration_reads_date_times_in_utc() -> None:
    """S11."""
    document = mapping.validate_source_record(make.source_table(), make.purchase(PurchasedOn="2026-07-01T12:00:00"))

    assert document["PurchasedOn"] == "2026-07-01T12:00:00Z"


def test_text_columns_that_look_like_date_times_stay_as_they_are() -> None:
    record = make.purchase(StoreName="2026-07-01T12:00:00")

    assert mapping.validate_source_record(PURCHASES, record)["StoreName"] == "2026-07-01T12:00:00"


@pytest.mark.parametrize(
    "value", ["yesterday", "2026-02-30T00:00:00", "9999-12-31T23:59:59-01:00", "\ud800", 1_798_135_200, True, {}]
)
def test_a_source_record_with_a_bad_date_time_is_refused(value: object) -> None:
    """S11."""
    with pytest.raises(errors.WrongType) as refused:
        mapping.validate_source_record(PURCHASES, make.purchase(PurchasedOn=value))

    assert refused.value.target == "PurchasedOn"


def test_a_source_record_with_an_unknown_column_is_refused() -> None:
    """S11."""
    with pytest.raises(errors.UnknownColumn) as refused:
        mapping.validate_source_record(PURCHASES, make.purchase(Storename="Pike Place"))

    assert "did you mean 'StoreName'?" in refused.value.message


def test_the_activity_id_of_a_source_record_is_the_same_in_every_release() -> None:
    """S12: ids are stored, so a change of how they are made would double every activity."""
    found = mapping.deterministic_activity_id("PoS_posPurchases", "P-1")

    assert found == "7dbb4a3d-a0a3-59f2-8f2b-b2e812d713d6"


@given(st.tuples(texts, texts), st.tuples(texts, texts))
def test_different_tables_or_keys_have_different_activity_ids(first: tuple[str, str], second: tuple[str, str]) -> None:
    """S12: the same pair has the same id."""
    ids = [mapping.deterministic_activity_id(*pair) for pair in (first, second)]

    assert (ids[0] == ids[1]) is (first == second)


@given(texts, texts, texts)
def test_the_border_between_table_and_key_counts(start: str, middle: str, end: str) -> None:
    """S12."""
    one = mapping.deterministic_activity_id(start + middle, end)
    other = mapping.deterministic_activity_id(start, middle + end)

    assert (one == other) is (middle == "")


@given(instants, st.binary(min_size=10, max_size=10))
@example(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), bytes(10))  # a float would round it up
def test_a_time_ordered_id_is_a_version_7_uuid_of_its_millisecond(now: datetime, randomness: bytes) -> None:
    """S12."""
    made = uuid.UUID(mapping.time_ordered_activity_id(now, randomness))

    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == (now - EPOCH) // timedelta(milliseconds=1)


@given(instants, instants, st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_ids_of_different_milliseconds_stand_in_the_order_of_time(
    one: datetime, other: datetime, randomness: bytes, other_randomness: bytes
) -> None:
    """S12."""
    earlier, later = min(one, other), max(one, other) + timedelta(milliseconds=1)

    first = mapping.time_ordered_activity_id(earlier, randomness)
    second = mapping.time_ordered_activity_id(later, other_randomness)

    assert first < second


def test_ids_of_one_millisecond_differ_by_their_randomness() -> None:
    """S12."""
    made = {mapping.time_ordered_activity_id(make.NOW, bytes([number] * 10)) for number in range(256)}

    assert len(made) == 256


def test_a_digest_tells_documents_apart_in_sixteen_bytes() -> None:
    one, other = mapping.document_digest(b'{"a":1}'), mapping.document_digest(b'{"a":2}')

    assert len(one) == len(other) == 16
    assert one != other
    assert one == mapping.document_digest(b'{"a":1}')
