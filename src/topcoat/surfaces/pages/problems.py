"""The statuses that core errors have on pages: by who or what is wrong."""

from typing import Final

from topcoat.core import errors

STATUSES: Final[dict[type[errors.TopcoatError], int]] = {
    errors.NotAuthenticated: 401,
    errors.NotPermitted: 403,
    errors.NoRole: 403,
    errors.FormRefused: 403,
    errors.NotFound: 404,
    errors.AddressTooLong: 414,
    errors.MediaTypeNotAcceptable: 406,
    errors.BodyTooLarge: 413,
    errors.BadInput: 400,
    errors.Conflict: 409,
    errors.LimitExceeded: 429,
    errors.NotSupported: 501,
    errors.Unavailable: 503,
    errors.TopcoatError: 400,
}


def status_of(error: errors.TopcoatError) -> int:
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
