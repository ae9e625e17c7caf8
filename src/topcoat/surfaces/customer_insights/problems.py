"""Core errors in the vendor's two dialects, both flat: its clients drop what an envelope nests."""

from typing import Final

from starlette.responses import Response

from topcoat.core import errors
from topcoat.core.insights.definition import Fault
from topcoat.surfaces import access
from topcoat.surfaces.customer_insights import insight_payloads, payloads

STATUSES: Final[dict[type[errors.TopcoatError], int]] = {
    errors.NotAuthenticated: 401,
    errors.NotPermitted: 403,
    errors.NoRole: 403,
    errors.WriteDenied: 403,
    errors.FormRefused: 403,
    errors.InstanceNotFound: 404,
    errors.TableNotFound: 404,
    errors.RecordNotFound: 404,
    errors.ChangeNotFound: 404,
    errors.AssignmentNotFound: 404,
    errors.DefinitionNotFound: 404,
    errors.AddressNotFound: 404,
    errors.SegmentNotFound: 404,
    errors.FunctionNotFound: 404,
    errors.ProfileNotMade: 404,
    errors.DataSourceNotFound: 404,
    errors.ColumnNotFound: 404,
    errors.WorkflowNotFound: 404,
    errors.JobNotFound: 404,
    errors.ReportNotFound: 404,
    errors.InstantNotKept: 404,
    errors.AddressTooLong: 414,
    errors.BodyUnreadable: 400,
    errors.BodyTooLarge: 413,
    errors.ContentTypeNotSupported: 415,
    errors.MediaTypeNotAcceptable: 406,
    errors.MethodNotSupported: 405,
    errors.UnknownColumn: 400,
    errors.WrongType: 400,
    errors.MissingColumn: 400,
    errors.ReadOnlyColumn: 400,
    errors.EmptyChange: 400,
    errors.ColumnNotSearchable: 400,
    errors.ColumnTwice: 400,
    errors.ValueTooLong: 400,
    errors.ValidUntilUnreadable: 400,
    errors.ValidUntilOutOfRange: 400,
    errors.UnknownCustomer: 400,
    errors.TableNotWritable: 400,
    errors.TableNotFoundForWriting: 400,
    errors.ActivityNotConfigured: 400,
    errors.DataSourceInUse: 400,
    errors.QuerySyntaxError: 400,
    errors.OptionInvalid: 400,
    errors.PropertyNotFound: 400,
    errors.BatchInvalid: 400,
    errors.TargetRefused: 400,
    errors.UnknownSegment: 400,
    errors.ContinuationInvalid: 400,
    errors.ClockRequestInvalid: 400,
    errors.InstanceRefreshing: 400,
    errors.NameTaken: 400,
    errors.SystemMade: 400,
    errors.TooManyDefinitions: 400,
    errors.ParameterInvalid: 400,
    errors.UnknownRole: 400,
    errors.JobEnded: 400,
    errors.DefinitionInvalid: 400,
    errors.DefinitionsCyclic: 400,
    errors.DefinitionInUse: 400,
    errors.NotComputable: 400,
    errors.ReadyMade: 400,
    errors.CertificateUnusable: 400,
    errors.SignInRefused: 400,
    errors.EnvironmentInvalid: 400,
    errors.EnvironmentUnknown: 400,
    errors.SourceInvalid: 400,
    errors.SourceFaulty: 400,
    errors.TooManyQuarantined: 400,
    errors.InstanceExists: 409,
    errors.ActivityExists: 409,
    errors.RecordExists: 412,
    errors.VersionMismatch: 412,
    errors.RefreshRunning: 409,
    errors.NothingToUndo: 409,
    errors.IdempotencyKeyReused: 422,
    errors.LastOwner: 409,
    errors.JobStopped: 409,
    errors.JobAbandoned: 409,
    errors.NotRefreshed: 409,
    errors.TooManyCalls: 429,
    errors.TooMuchExecutionTime: 429,
    errors.TooManyConcurrentCalls: 429,
    errors.NotSupported: 501,
    errors.ExtraMissing: 501,
    errors.RefreshTooLarge: 503,
    errors.Overloaded: 503,
    errors.TooManyJobs: 429,
    errors.StoreUnreachable: 503,
    errors.QueryTooSlow: 503,
    errors.SchemaOutdated: 503,
    errors.IssuerUnreachable: 503,
}


def odata_problem(error: errors.TopcoatError) -> Response:
    """What everything under `/data` answers."""
    problem = payloads.ODataError(error_code=error.code, message=error.message, target=error.target)
    return payloads.wire_answer(problem, STATUSES[type(error)], access.refusal_headers(error))


def api_problem(error: errors.TopcoatError) -> Response:
    """What the rest of the API answers."""
    status = STATUSES[type(error)]
    problem = payloads.ApiErrorResult(
        http_status_code=str(status),
        exception_culprit="user" if status < 500 else "system",
        error_code=error.code,
        message=error.message,
    )
    return payloads.wire_answer(problem, status, access.refusal_headers(error))


_FAULTS: Final[dict[type[errors.TopcoatError], Fault]] = {
    errors.BodyUnreadable: Fault.PARSING_FAILED,
    errors.ParameterInvalid: Fault.PARSING_FAILED,
    errors.DefinitionsCyclic: Fault.INVALID_OPERATION,
}


def parsing_problem(error: errors.TopcoatError) -> Response:
    """What is wrong with a measure; any other refusal as the rest of the API answers it."""
    if STATUSES[type(error)] != 400:
        return api_problem(error)
    fault = _FAULTS.get(type(error), Fault.INVALID_ARGUMENT).value
    message = insight_payloads.LogMessage(message=error.message)
    problem = insight_payloads.ParsingError(messages=[message], code=error.parts.get("fault", fault))
    return payloads.wire_answer(problem, 400, access.refusal_headers(error))
