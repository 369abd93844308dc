"""Numbers on the command line of `routeiq routing`."""

import argparse


def share(text: str) -> float:
    """A number above 0, below 1."""
    said = _number(text)
    if not 0.0 < said < 1.0:
        raise argparse.ArgumentTypeError("must be a number above 0, below 1")
    return said


def whole_share(text: str) -> float:
    """A number above 0, up to 1."""
    return 1.0 if text in {"1", "1.0"} else share(text)


def rows(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
