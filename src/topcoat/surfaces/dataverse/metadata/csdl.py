"""`$metadata`: the tables as a document in the Common Schema Definition Language, version 4.0."""

from collections.abc import Iterable
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from topcoat.surfaces.dataverse.metadata.service import WHO_AM_I, WHO_AM_I_IDS, WHO_AM_I_RESPONSE
from topcoat.surfaces.dataverse.names import (
    LOOKUP,
    LOOKUP_VALUE,
    NAMESPACE,
    AttributeType,
    DataverseColumn,
    DataverseTable,
    DataverseTables,
    Role,
)

ALIAS: Final = "mscrm"
BASE: Final = "crmbaseentity"
_EDMX: Final = {"Version": "4.0", "xmlns:edmx": "http://docs.oasis-open.org/odata/ns/edmx"}
_EDM: Final = "http://docs.oasis-open.org/odata/ns/edm"
_CORE: Final = "Org.OData.Core.V1"
_KEYS: Final = "OData.Community.Keys.V1"
_VOCABULARIES: Final = {
    _CORE: "https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Core.V1.xml",
    _KEYS: "http://vocabularies.odata.org/OData.Community.Keys.V1.xml",
}
_TYPES: Final = {
    AttributeType.UNIQUEIDENTIFIER: "Edm.Guid",
    AttributeType.LOOKUP: "Edm.Guid",
    AttributeType.STRING: "Edm.String",
    AttributeType.MEMO: "Edm.String",
    AttributeType.INTEGER: "Edm.Int32",
    AttributeType.BIGINT: "Edm.Int64",
    AttributeType.DECIMAL: "Edm.Decimal",
    AttributeType.BOOLEAN: "Edm.Boolean",
    AttributeType.DATE_TIME: "Edm.DateTimeOffset",
}
_FACETS: Final = {"Edm.Decimal": {"Scale": "Variable"}, "Edm.DateTimeOffset": {"Precision": "6"}}
_WRITTEN: Final = (Role.VALUE, Role.TTL)


def write_document(tables: DataverseTables) -> bytes:
    root = Element("edmx:Edmx", _EDMX)
    for namespace, address in _VOCABULARIES.items():
        reference = SubElement(root, "edmx:Reference", Uri=address)
        SubElement(reference, "edmx:Include", Namespace=namespace)
    services = SubElement(root, "edmx:DataServices")
    schema = SubElement(services, "Schema", {"xmlns": _EDM, "Namespace": NAMESPACE, "Alias": ALIAS})
    SubElement(schema, "EntityType", Name=BASE, Abstract="true")
    for table in tables.tables:
        _add_type(schema, tables, table)
    _add_function(schema)
    _add_container(schema, tables)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def edm_type(column: DataverseColumn) -> str:
    return "Edm.Date" if column.is_date_only else _TYPES[column.type]


def _add_type(schema: Element, tables: DataverseTables, table: DataverseTable) -> None:
    added = SubElement(schema, "EntityType", Name=table.logical, BaseType=f"{ALIAS}.{BASE}")
    SubElement(SubElement(added, "Key"), "PropertyRef", Name=table.primary_id)
    for column in table.columns:
        _add_property(added, column)
    for navigation, target in _navigations(tables, table):
        _add_navigation(added, tables, navigation, target)
    if table.alternate_keys:
        _add_alternate_keys(added, table.alternate_keys)


def _add_property(added: Element, column: DataverseColumn) -> None:
    """What the service makes itself is computed: clients leave it out of what they write."""
    type_ = edm_type(column)
    facets = {"Nullable": "false"} if column.role is Role.ROW_ID else _FACETS.get(type_, {})
    element = SubElement(added, "Property", {"Name": column.shown_name, "Type": type_, **facets})
    if column.role not in _WRITTEN:
        SubElement(element, "Annotation", Term=f"{_CORE}.Computed", Bool="true")


def _navigations(tables: DataverseTables, table: DataverseTable) -> Iterable[tuple[str, DataverseTable]]:
    if table.is_profiles:
        return [(rows.relationship, rows) for rows in tables.of_profiles]
    return [(LOOKUP, tables.profiles)]


def _add_navigation(added: Element, tables: DataverseTables, name: str, target: DataverseTable) -> None:
    if not target.is_profiles:
        type_ = f"Collection({ALIAS}.{target.logical})"
        SubElement(added, "NavigationProperty", Name=name, Type=type_, Partner=LOOKUP)
        return
    partner = tables.by_logical[added.attrib["Name"]].relationship
    element = SubElement(added, "NavigationProperty", Name=name, Type=f"{ALIAS}.{target.logical}", Partner=partner)
    SubElement(element, "ReferentialConstraint", Property=LOOKUP_VALUE, ReferencedProperty=target.primary_id)


def _add_alternate_keys(added: Element, columns: Iterable[DataverseColumn]) -> None:
    """As the vocabulary of the OData community has them."""
    annotation = SubElement(added, "Annotation", Term=f"{_KEYS}.AlternateKeys")
    keys = SubElement(annotation, "Collection")
    for column in columns:
        key = SubElement(keys, "Record", Type=f"{_KEYS}.AlternateKey")
        parts = SubElement(SubElement(key, "PropertyValue", Property="Key"), "Collection")
        part = SubElement(parts, "Record", Type=f"{_KEYS}.PropertyRef")
        SubElement(part, "PropertyValue", Property="Alias", String=column.name)
        SubElement(part, "PropertyValue", Property="Name", PropertyPath=column.name)


def _add_function(schema: Element) -> None:
    response = SubElement(schema, "ComplexType", Name=WHO_AM_I_RESPONSE)
    for name in WHO_AM_I_IDS:
        SubElement(response, "Property", Name=name, Type="Edm.Guid", Nullable="false")
    function = SubElement(schema, "Function", Name=WHO_AM_I)
    SubElement(function, "ReturnType", Type=f"{ALIAS}.{WHO_AM_I_RESPONSE}", Nullable="false")


def _add_container(schema: Element, tables: DataverseTables) -> None:
    container = SubElement(schema, "EntityContainer", Name="System")
    for table in tables.tables:
        entity_set = SubElement(
            container, "EntitySet", Name=table.entity_set, EntityType=f"{NAMESPACE}.{table.logical}"
        )
        for navigation, target in _navigations(tables, table):
            SubElement(entity_set, "NavigationPropertyBinding", Path=navigation, Target=target.entity_set)
    SubElement(container, "FunctionImport", Name=WHO_AM_I, Function=f"{NAMESPACE}.{WHO_AM_I}")
