"""Core errors as the card is told: flat, with the statuses that pages have."""

from starlette.responses import Response

from topcoat.core import errors
from topcoat.surfaces import access, answers
from topcoat.surfaces.pages import problems


def problem(error: errors.TopcoatError) -> Response:
    return answers.flat_problem(problems.status_of(error), error, access.refusal_headers(error))
