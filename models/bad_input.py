"""The one exception of the converter, and the bounds that untrusted input must keep."""

MAX_DIMENSION = 1 << 20  # of any tensor axis or configured size; OWSM's largest is 50002
MAX_LAYERS = 256


class BadInput(Exception):
    """Input that cannot be converted. The message names the file or field, what was found and
    what was expected; the program prints it on one line and exits with status 2."""
