"""Descriptions of columns, with what their types add."""

from collections.abc import Mapping
from typing import Any, Final

from topcoat.core.catalog import TableKind
from topcoat.surfaces.dataverse.metadata.option_sets import BOOLEAN_OPTIONS, OPTIONS, describe_boolean_options
from topcoat.surfaces.dataverse.metadata.shapes import (
    ID,
    NO_LABEL,
    Description,
    Shape,
    describe,
    label,
    managed,
    metadata_id,
)
from topcoat.surfaces.dataverse.names import (
    PREFIX,
    AttributeType,
    DataverseColumn,
    DataverseTable,
    DataverseTables,
    Role,
)

_REQUIRED: Final = "canmodifyrequirementlevelsettings"
_COMMON: Final[dict[str, Any]] = {
    "AttributeOf": None,
    "AttributeType": None,
    "AttributeTypeName": {"Value": None},
    "AutoNumberFormat": None,
    "CanBeSecuredForCreate": False,
    "CanBeSecuredForRead": False,
    "CanBeSecuredForUpdate": False,
    "CanModifyAdditionalSettings": managed("canmodifyadditionalsettings"),
    "ColumnNumber": 0,
    "DeprecatedVersion": None,
    "Description": NO_LABEL,
    "DisplayName": NO_LABEL,
    "EntityLogicalName": None,
    "ExternalName": None,
    "HasChanged": None,
    "InheritsFrom": None,
    "IntroducedVersion": None,
    "IsAuditEnabled": managed("canmodifyauditsettings"),
    "IsCustomAttribute": True,
    "IsCustomizable": managed("iscustomizable"),
    "IsDataSourceSecret": False,
    "IsFilterable": True,
    "IsGlobalFilterEnabled": managed("canmodifyglobalfiltersettings"),
    "IsLogical": False,
    "IsManaged": True,
    "IsPrimaryId": False,
    "IsPrimaryName": False,
    "IsRenameable": managed("isrenameable"),
    "IsRequiredForForm": False,
    "IsRetrievable": True,
    "IsSearchable": False,
    "IsSecured": False,
    "IsSortableEnabled": managed("canmodifyissortablesettings", value=True),
    "IsValidForAdvancedFind": managed("canmodifysearchsettings", value=True),
    "IsValidForCreate": False,
    "IsValidForForm": False,
    "IsValidForGrid": True,
    "IsValidForRead": True,
    "IsValidForUpdate": False,
    "IsValidODataAttribute": True,
    "LinkedAttributeId": None,
    "LogicalName": None,
    ID: None,
    "RequiredLevel": managed(_REQUIRED, "None"),
    "SchemaName": None,
    "SourceType": None,
}
_DECIMAL_MAX: Final = 100_000_000_000.0
_COMPUTED: Final = {"FormulaDefinition": None, "SourceTypeMask": 0}
_NUMBER: Final = {"ImeMode": "Disabled", "MinValue": -_DECIMAL_MAX, "MaxValue": _DECIMAL_MAX}
_TEXT: Final = {"Format": "Text", "FormatName": {"Value": "Text"}, "ImeMode": "Auto", "MaxLength": 0}
_LONG_TEXT: Final = _TEXT | {"Format": "TextArea", "FormatName": {"Value": "TextArea"}}
_CHOICE: Final[dict[str, Any]] = {"DefaultFormValue": -1, "ParentPicklistLogicalName": None, **_COMPUTED}
_CHOICES: Final = {"OptionSet": OPTIONS, "GlobalOptionSet": OPTIONS}


def _shape(name: str, facets: Mapping[str, Any], navigations: Mapping[str, Shape] | None = None) -> Shape:
    return Shape(f"{name}AttributeMetadata", {**_COMMON, **facets}, ("LogicalName",), navigations or {})


_SHAPES: Final[Mapping[AttributeType, Shape]] = {
    AttributeType.UNIQUEIDENTIFIER: _shape("UniqueIdentifier", {}),
    AttributeType.STRING: _shape("String", {**_TEXT, "IsLocalizable": False, "YomiOf": None, **_COMPUTED}),
    AttributeType.MEMO: _shape("Memo", {**_LONG_TEXT, "IsLocalizable": False}),
    AttributeType.INTEGER: _shape("Integer", {"Format": "None", "MinValue": 1, "MaxValue": 2**31 - 1, **_COMPUTED}),
    AttributeType.BIGINT: _shape("BigInt", {"MinValue": -(2**63), "MaxValue": 2**63 - 1}),
    AttributeType.DECIMAL: _shape("Decimal", {**_NUMBER, "Precision": 10, **_COMPUTED}),
    AttributeType.BOOLEAN: _shape(
        "Boolean",
        {"DefaultValue": False, **_COMPUTED},
        {"OptionSet": BOOLEAN_OPTIONS, "GlobalOptionSet": BOOLEAN_OPTIONS},
    ),
    AttributeType.DATE_TIME: _shape(
        "DateTime",
        {
            "CanChangeDateTimeBehavior": managed("canmodifybehavior"),
            "DateTimeBehavior": {"Value": "UserLocal"},
            "Format": "DateAndTime",
            "ImeMode": "Inactive",
            **_COMPUTED,
        },
    ),
    AttributeType.LOOKUP: _shape("Lookup", {"Format": "None", "Targets": []}),
}
_NEVER: Final = (
    _shape("Picklist", _CHOICE, _CHOICES),
    _shape("MultiSelectPicklist", _CHOICE, _CHOICES),
    _shape("State", {"DefaultFormValue": -1}, _CHOICES),
    _shape("Status", {"DefaultFormValue": -1}, _CHOICES),
    _shape("EntityName", {"DefaultFormValue": -1, "IsEntityReferenceStored": False}, _CHOICES),
    _shape("Double", {**_NUMBER, "Precision": 0}),
    _shape("Money", {**_NUMBER, "Precision": 0, "PrecisionSource": 0, "CalculationOf": None, "IsBaseCurrency": False}),
    _shape("Image", {"IsPrimaryImage": False, "CanStoreFullImage": False, "MaxSizeInKB": 0}),
    _shape("File", {"MaxSizeInKB": 0}),
    _shape("ManagedProperty", {"ValueAttributeTypeCode": None, "ParentAttributeName": None}),
)
"""Types that no column of ours has, and that clients ask for."""

ATTRIBUTE: Final = Shape("AttributeMetadata", _COMMON, ("LogicalName",), derived=(*_SHAPES.values(), *_NEVER))

_SCHEMA_NAMES: Final = {
    "createdon": "CreatedOn",
    "modifiedon": "ModifiedOn",
    "partitionid": "PartitionId",
    "ttlinseconds": "TTLInSeconds",
    "versionnumber": "VersionNumber",
}
_TITLES: Final = {
    Role.LOOKUP: "Customer",
    Role.LOOKUP_PARTITION: "Customer partition id",
    Role.PARTITION: "Partition Id",
    Role.TTL: "Time to live",
    Role.CREATED: "Created On",
    Role.MODIFIED: "Modified On",
    Role.VERSION: "Version Number",
}


def describe_attributes(tables: DataverseTables, table: DataverseTable) -> tuple[Description, ...]:
    return tuple(_describe(tables, table, column, number) for number, column in enumerate(table.columns, 1))


def _describe(tables: DataverseTables, table: DataverseTable, column: DataverseColumn, number: int) -> Description:
    properties = {
        "AttributeType": column.type.value,
        "AttributeTypeName": {"Value": f"{column.type.value}Type"},
        "ColumnNumber": number,
        "DisplayName": label(_title(table, column)),
        "EntityLogicalName": table.logical,
        "IsCustomAttribute": column.name.startswith(PREFIX),
        "IsFilterable": column.is_filterable,
        "IsPrimaryId": column.name == table.primary_id,
        "IsPrimaryName": column.name == table.primary_name,
        "LogicalName": column.name,
        ID: metadata_id("attribute", table.logical, column.name),
        "RequiredLevel": managed(_REQUIRED, _required_level(table, column)),
        "SchemaName": _SCHEMA_NAMES.get(column.name, column.name),
        **_written(table, column),
    }
    related: dict[str, Any] = {}
    if column.type is AttributeType.BOOLEAN:
        related["OptionSet"] = lambda: describe_boolean_options(table.logical, column.name)
        related["GlobalOptionSet"] = lambda: None
    return describe(_SHAPES[column.type], {**properties, **_facets(tables, column)}, related)


def _title(table: DataverseTable, column: DataverseColumn) -> str:
    if column.role is Role.ROW_ID:
        return table.title
    return _TITLES.get(column.role) or column.source or column.name


def _required_level(table: DataverseTable, column: DataverseColumn) -> str:
    if column.role is Role.ROW_ID:
        return "SystemRequired"
    is_mandatory = column.role is Role.VALUE and column.source in table.source.mandatory_names
    return "ApplicationRequired" if is_mandatory else "None"


def _written(table: DataverseTable, column: DataverseColumn) -> dict[str, bool]:
    """What a service that takes writes takes: changes of profiles, and new activities."""
    is_key = table.is_profiles and column.source is not None and table.source.get_column(column.source).is_key
    is_value = column.role is Role.TTL or (column.role is Role.VALUE and not is_key)
    is_activity = table.source.kind is TableKind.UNIFIED_ACTIVITY
    return {
        "IsValidForCreate": is_value and is_activity,
        "IsValidForUpdate": is_value and table.is_profiles,
    }


def _facets(tables: DataverseTables, column: DataverseColumn) -> dict[str, Any]:
    match column.type:
        case AttributeType.STRING | AttributeType.MEMO:
            return {"MaxLength": column.length}
        case AttributeType.DATE_TIME if column.is_date_only:
            return {"DateTimeBehavior": {"Value": "DateOnly"}, "Format": "DateOnly"}
        case AttributeType.LOOKUP:
            return {"Targets": [tables.profiles.logical]}
        case _:
            return {}
