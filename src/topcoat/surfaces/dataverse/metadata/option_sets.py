"""Descriptions of choices: of Boolean columns alone, for there are no others."""

from typing import Any, Final

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

_COMMON: Final[dict[str, Any]] = {
    "Description": NO_LABEL,
    "DisplayName": NO_LABEL,
    "ExternalTypeName": None,
    "HasChanged": None,
    "IntroducedVersion": None,
    "IsCustomOptionSet": True,
    "IsCustomizable": managed("iscustomizable"),
    "IsGlobal": False,
    "IsManaged": True,
    ID: None,
    "Name": None,
    "OptionSetType": None,
    "ParentOptionSetName": None,
}
OPTIONS: Final = Shape("OptionSetMetadata", {**_COMMON, "Options": []}, ("Name",))
BOOLEAN_OPTIONS: Final = Shape("BooleanOptionSetMetadata", {**_COMMON, "TrueOption": {}, "FalseOption": {}}, ("Name",))
OPTION_SET: Final = Shape("OptionSetMetadataBase", _COMMON, ("Name",), derived=(OPTIONS, BOOLEAN_OPTIONS))


def describe_boolean_options(table: str, column: str) -> Description:
    """The texts are those of formatted values."""
    name = f"{table}_{column}"
    return describe(
        BOOLEAN_OPTIONS,
        {
            ID: metadata_id("optionset", name),
            "Name": name,
            "OptionSetType": "Boolean",
            "TrueOption": _option(1, "Yes"),
            "FalseOption": _option(0, "No"),
        },
    )


def _option(value: int, text: str) -> dict[str, Any]:
    return {
        "Value": value,
        "Label": label(text),
        "Description": NO_LABEL,
        "Color": None,
        "IsManaged": True,
        "ExternalValue": None,
        "ParentValues": [],
        ID: None,
        "HasChanged": None,
    }
