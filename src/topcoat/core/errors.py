"""Everything that can be wrong, by who or what is wrong; surfaces choose the HTTP status.

TopcoatError
├── NotAuthenticated, NotPermitted, NoRole, WriteDenied, FormRefused
├── NotFound
│   ├── InstanceNotFound, TableNotFound, RecordNotFound, ChangeNotFound, InstantNotKept, AddressNotFound
│   ├── DataSourceNotFound, ColumnNotFound, AssignmentNotFound, SegmentNotFound, FunctionNotFound
│   ├── DefinitionNotFound, WorkflowNotFound, JobNotFound, ReportNotFound
│   └── ProfileNotMade
├── BadInput
│   ├── AddressTooLong, BodyUnreadable, BodyTooLarge, ContentTypeNotSupported, MediaTypeNotAcceptable
│   ├── MethodNotSupported, BatchInvalid, TargetRefused
│   ├── UnknownColumn, WrongType, MissingColumn, ReadOnlyColumn, EmptyChange
│   ├── ColumnNotSearchable, ColumnTwice, ValueTooLong
│   ├── ValidUntilUnreadable, ValidUntilOutOfRange, UnknownCustomer, TableNotWritable
│   ├── ActivityNotConfigured, TableNotFoundForWriting, DataSourceInUse
│   ├── QuerySyntaxError, OptionInvalid, PropertyNotFound, UnknownSegment, ContinuationInvalid
│   ├── NameTaken, SystemMade, TooManyDefinitions, InstanceRefreshing
│   ├── ClockRequestInvalid, ParameterInvalid, UnknownRole, JobEnded
│   ├── DefinitionInvalid, DefinitionsCyclic, DefinitionInUse, NotComputable, ReadyMade
│   ├── CertificateUnusable, SignInRefused
│   └── EnvironmentInvalid, EnvironmentUnknown, SourceInvalid, SourceFaulty, TooManyQuarantined
├── Conflict
│   ├── InstanceExists, ActivityExists, RefreshRunning, NothingToUndo, NotRefreshed, IdempotencyKeyReused, LastOwner
│   └── JobStopped, JobAbandoned, RecordExists, VersionMismatch
├── LimitExceeded
│   └── TooManyCalls, TooMuchExecutionTime, TooManyConcurrentCalls
├── NotSupported
│   └── ExtraMissing
└── Unavailable
    ├── Overloaded, TooManyJobs, StoreUnreachable, QueryTooSlow, SchemaOutdated, IssuerUnreachable
    └── RefreshTooLarge

An error's text, its parts filled in where braces name them, is its message.
"""

from typing import Any, ClassVar


class TopcoatError(Exception):
    text: ClassVar[str] = "Something went wrong."
    code: ClassVar[str] = "Error"

    def __init__(self, **parts: Any) -> None:
        self.parts = parts
        super().__init__(self.text.format(**parts))

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "text" not in cls.__dict__:
            raise TypeError(f"{cls.__name__} lacks a text of its own")
        cls.code = cls.__name__

    @property
    def message(self) -> str:
        return str(self)

    @property
    def target(self) -> str | None:
        """The column, option or parameter the error is about, where there is one."""
        found = self.parts.get("column") or self.parts.get("option") or self.parts.get("parameter")
        return None if found is None else str(found)


class NotAuthenticated(TopcoatError):
    text = "{reason} Send `Authorization: Bearer <token>`{key_hint}."


class NotPermitted(TopcoatError):
    text = "The role {role} may not do this; it takes {needed} or above."


class NoRole(TopcoatError):
    text = "'{principal}' has no role here; an Administrator can assign one."


class WriteDenied(TopcoatError):
    text = "Principal user is missing {privilege} privilege: {reason}."


class FormRefused(TopcoatError):
    text = "The form was not sent from a page of this service that the browser has just loaded; load the page again."


class NotFound(TopcoatError):
    text = "It does not exist."


class InstanceNotFound(NotFound):
    text = "Instance '{instance}' does not exist."


class TableNotFound(NotFound):
    text = "Table '{table}' does not exist in this instance{suggestion}."


class RecordNotFound(NotFound):
    text = "{table} has no record with the id '{record_id}'."


class ChangeNotFound(NotFound):
    text = "Change {sequence} does not exist or no longer counts."


class AssignmentNotFound(NotFound):
    text = "'{principal}' has no role in this instance that could be taken away."


class DefinitionNotFound(NotFound):
    text = "{what} '{name}' does not exist in this instance{suggestion}."


class InstantNotKept(NotFound):
    text = "There is no answer as of {as_of}: {reason}."

    @property
    def target(self) -> str:
        return "asOf"


class AddressNotFound(NotFound):
    text = "There is nothing at {method} {path}."


class SegmentNotFound(NotFound):
    text = "Resource not found for the segment '{segment}'."


class FunctionNotFound(NotFound):
    text = "No HTTP resource was found that matches the request URI '{address}' with {method}; functions take GET."


class ProfileNotMade(NotFound):
    text = "{table} With Id = {record_id} Does Not Exist; a write changes profiles, and refreshes make them."


class DataSourceNotFound(NotFound):
    text = "Data source '{data_source}' does not exist in this instance."


class ColumnNotFound(NotFound):
    text = "Table {table} has no column '{column}'{suggestion}."


class WorkflowNotFound(NotFound):
    text = "Workflow '{workflow}' does not exist; the only one is 'main'."


class JobNotFound(NotFound):
    text = "Job '{job}' does not exist in this instance."


class ReportNotFound(NotFound):
    text = "Job '{job}' has no report: {reason}."


class BadInput(TopcoatError):
    text = "The request is not valid."


class AddressTooLong(BadInput):
    text = "The address is longer than the limit of {limit_bytes} bytes."


class BodyUnreadable(BadInput):
    text = "The body is {found}; expected one JSON object{hint}."


class BodyTooLarge(BadInput):
    text = "The body is larger than the limit of {limit_bytes} bytes."


class ContentTypeNotSupported(BadInput):
    text = "Bodies of type '{found}' are not read; expected application/json."


class MediaTypeNotAcceptable(BadInput):
    text = "Answers are application/json only, which the Accept header '{accept}' rules out."


class MethodNotSupported(BadInput):
    text = "{method} is not supported here; the address answers {allowed}."


class BatchInvalid(BadInput):
    text = "{place} {reason}."


class TargetRefused(BadInput):
    """`cause` is the error of the target at `place`; the others are written or not by themselves."""

    text = "Targets[{place}]: {cause} Of {count} targets {written} were written."


class UnknownColumn(BadInput):
    text = "Table {table} has no column '{column}'{suggestion}."


class WrongType(BadInput):
    text = "Column {column} of table {table} got {found}; expected {expected}."


class MissingColumn(BadInput):
    text = "Column {column} of table {table} is mandatory and missing or null."


class ReadOnlyColumn(BadInput):
    text = "Column {column} of table {table} is a key and cannot be changed."


class EmptyChange(BadInput):
    text = "A change must name at least one column of table {table}."


class ColumnNotSearchable(BadInput):
    text = "Column {column} of table {table} is of type {type} and cannot be searchable; only string columns can."


class ColumnTwice(BadInput):
    text = "Column {column} of table {table} is configured twice; expected once."


class ValueTooLong(BadInput):
    text = (
        "A value is too long for the index {index}{where}; it orders about 2,700 bytes, compressed. Shorten the value, "
        "or make its column neither filterable nor sortable."
    )


class ValidUntilUnreadable(BadInput):
    text = "validUntil '{value}' is not an RFC 3339 date-time such as 2026-12-24T18:00:00Z."

    @property
    def target(self) -> str:
        return "validUntil"


class ValidUntilOutOfRange(BadInput):
    text = "validUntil {value} is out of range: it must be after {now} and at most 30 days ahead ({latest})."

    @property
    def target(self) -> str:
        return "validUntil"


class UnknownCustomer(BadInput):
    text = "CustomerId '{customer_id}' names no unified profile."

    @property
    def target(self) -> str:
        return "CustomerId"


class TableNotWritable(BadInput):
    text = "{reason}"


class TableNotFoundForWriting(BadInput):
    text = "Table '{table}' does not exist in this instance{suggestion}."


class ActivityNotConfigured(BadInput):
    text = "Table {table} has no activity configuration, so its records cannot become activities."


class DataSourceInUse(BadInput):
    text = "Data source {data_source} cannot be deleted: the unified customers are made of its table {table}."


class QuerySyntaxError(BadInput):
    text = "In {option}, at position {position}: found {found}, expected {expected}."


class OptionInvalid(BadInput):
    text = "{option} {reason}."


class PropertyNotFound(BadInput):
    text = "Could not find a property named '{column}' on type '{type}'{suggestion}."


class UnknownSegment(BadInput):
    text = "There is no segment '{segment}'{suggestion}."


class ContinuationInvalid(BadInput):
    text = "$skiptoken is not usable: {reason}."

    @property
    def target(self) -> str:
        return "$skiptoken"


class NameTaken(BadInput):
    text = "{what} '{name}' exists already; names are unique."


class SystemMade(BadInput):
    text = "{what} '{name}' is made by the service itself and cannot be changed."


class InstanceRefreshing(BadInput):
    text = "Instance '{instance}' is being refreshed; try again once the refresh has ended."


class TooManyDefinitions(BadInput):
    text = "{what} number {limit} is there already, and more are not kept; delete one first."


class ParameterInvalid(BadInput):
    text = "{parameter} is {found}; expected {expected}."


class UnknownRole(BadInput):
    text = "There is no role '{role}'{suggestion}; expected one of {known}."

    @property
    def target(self) -> str:
        return "roles"


class JobEnded(BadInput):
    text = "Job '{job}' is {status}; only a job that waits or runs can be cancelled."


class CertificateUnusable(BadInput):
    text = "{file} cannot be used for https: {reason}."


class SignInRefused(BadInput):
    text = "AADSTS{number}: {reason}"


class ClockRequestInvalid(BadInput):
    text = "{reason}"


class DefinitionInvalid(BadInput):
    text = "{place} {reason}."

    @property
    def target(self) -> str:
        return str(self.parts["place"])


class DefinitionsCyclic(BadInput):
    text = "The definitions lean on each other in a circle: {circle}."


class DefinitionInUse(BadInput):
    text = "The {kind} '{name}' cannot be deleted, because others lean on it: {dependents}."


class NotComputable(BadInput):
    text = "It is kept and not computed: {place} {reason}."


class ReadyMade(BadInput):
    text = "The {kind} '{name}' is ready-made: it comes with the environment's files and can be changed there only."


class EnvironmentInvalid(BadInput):
    text = "{file}, line {line}, {path}: {reason}."


class EnvironmentUnknown(BadInput):
    text = "There is no environment file to refresh from: {reason}; run `topcoat refresh ENVIRONMENT.yaml`."


class SourceInvalid(BadInput):
    text = "{file}, line {line}: {reason}."


class SourceFaulty(BadInput):
    """`where` is empty, or names row and column: `, row 7, column Born`."""

    text = "{source}, table {table}{where}: {reason}."


class TooManyQuarantined(BadInput):
    text = (
        "Of table {table} {quarantined} of {rows} rows cannot be taken, more than the share of {share_max}; "
        "the first is row {row} of {source}: {reason}."
    )


class Conflict(TopcoatError):
    text = "It conflicts with what is stored."


class InstanceExists(Conflict):
    text = "There is an instance whose {parameter} is '{value}' already."


class ActivityExists(Conflict):
    text = "Activity '{activity_id}' exists already; activities never change."


class RefreshRunning(Conflict):
    text = "A refresh of this instance is running already; it can run once at a time."


class NothingToUndo(Conflict):
    text = "There is no earlier generation to go back to."


class IdempotencyKeyReused(Conflict):
    text = "The Idempotency-Key stands for another request, whose write is still live; send a key of its own with each."

    @property
    def target(self) -> str:
        return "Idempotency-Key"


class LastOwner(Conflict):
    text = "'{principal}' is the last owner of this instance; make another principal its owner first."


class JobStopped(Conflict):
    text = "The job was cancelled, or another run took it over."


class JobAbandoned(Conflict):
    text = "The process that ran the job ended before the job did, {attempts} times; the job is not tried again."


class RecordExists(Conflict):
    text = "A record with matching key values already exists."


class VersionMismatch(Conflict):
    text = "The version of the existing record doesn't match the RowVersion property provided."


class NotRefreshed(Conflict):
    text = "Nothing was refreshed yet, so there is nothing to compute from; run a refresh first."


class LimitExceeded(TopcoatError):
    text = "A limit to calls is exceeded."

    @property
    def retry_after_seconds(self) -> int:
        return int(self.parts["retry_after_seconds"])


class TooManyCalls(LimitExceeded):
    text = "Number of requests exceeded the limit of {quota} over time window of {window_seconds} seconds."


class TooMuchExecutionTime(LimitExceeded):
    text = (
        "Combined execution time of incoming requests exceeded limit of {quota} milliseconds over time window of "
        "{window_seconds} seconds."
    )


class TooManyConcurrentCalls(LimitExceeded):
    text = "Number of concurrent requests exceeded the limit of {quota}."


class NotSupported(TopcoatError):
    text = "{what} is not supported{hint}."


class ExtraMissing(NotSupported):
    text = "{what} needs the extra '{extra}', which is not installed; run: pip install 'topcoat[{extra}]'."


class Unavailable(TopcoatError):
    text = "The service cannot answer right now."

    retry_after_seconds: ClassVar[int] = 1


class Overloaded(Unavailable):
    text = "Too many writes are waiting; nothing was stored. Try again."


class TooManyJobs(Unavailable):
    text = "There are {waiting} jobs of this instance waiting; no more are taken. Try again."
    retry_after_seconds = 30


class StoreUnreachable(Unavailable):
    text = "The database cannot be reached or did not answer in time: {reason}."


class QueryTooSlow(Unavailable):
    text = (
        "The query was stopped after {seconds} seconds; narrow it, or put its columns into the search and filter index."
    )


class SchemaOutdated(Unavailable):
    text = "The database schema is {found}, this version needs {needed}; run `topcoat migrate`."


class IssuerUnreachable(Unavailable):
    text = "The keys of the token's issuer cannot be fetched at the moment, so nobody can tell whether it is genuine."
    retry_after_seconds = 5


class RefreshTooLarge(Unavailable):
    text = "The refresh has not enough memory or disk to work in {folder}: {reason}."
