"""What people, groups and applications are in an instance."""

import enum


class Role(enum.IntEnum):
    """Each may what those below it may."""

    VIEWER = 1
    CONTRIBUTOR = 2
    ADMINISTRATOR = 3
    OWNER = 4
