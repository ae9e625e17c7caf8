"""The outermost members of an answer."""

from topcoat.core.odata import envelope


def test_a_list_has_its_context_and_its_records():
    assert envelope.list_envelope("c", [{"A": 1}]) == {"@odata.context": "c", "value": [{"A": 1}]}


def test_a_list_has_a_count_and_a_link_where_there_are_any():
    found = envelope.list_envelope("c", [], count=0, next_link="https://x")

    assert list(found.items()) == [
        ("@odata.context", "c"),
        ("@odata.count", 0),
        ("value", []),
        ("@odata.nextLink", "https://x"),
    ]


def test_a_single_record_is_bare_with_its_context_first():
    assert list(envelope.record_envelope("c", {"A": 1})) == ["@odata.context", "A"]
