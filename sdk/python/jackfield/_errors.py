"""The error of every verb."""

from componentize_py_types import Err
from wit_world.imports import types

_KINDS = {
    types.Error_HungUp: "hung-up",
    types.Error_Denied: "denied",
    types.Error_Invalid: "invalid",
    types.Error_NotFound: "not-found",
    types.Error_Busy: "busy",
    types.Error_Limit: "limit",
    types.Error_Timeout: "timeout",
    types.Error_Unavailable: "unavailable",
    types.Error_Other: "other",
}


class CallError(Exception):
    """`kind` is "denied", "invalid", "not-found", "busy", "limit", "timeout", "unavailable", "other" or "hung-up"."""

    def __init__(self, verb, raw):
        self.kind = _KINDS[type(raw)]
        self.raw = raw
        said = getattr(raw, "value", "")
        super().__init__(f"{verb}: {self.kind}" + (f": {said}" if isinstance(said, str) and said else ""))


class HungUp(CallError):
    """The leg is gone. `cause` is as in the call record, `code` the SIP status or 0."""

    def __init__(self, verb, raw):
        super().__init__(verb, raw)
        self.cause = word(raw.value.cause)
        self.code = raw.value.code


def ask(verb, function, *arguments):
    """Calls the host; its error becomes a CallError."""
    try:
        return function(*arguments)
    except Err as error:
        if type(error.value) not in _KINDS:
            raise
        made = HungUp if isinstance(error.value, types.Error_HungUp) else CallError
        raise made(verb, error.value) from None


def word(case):
    """An enum's case as the contract writes it: "no-answer"."""
    return case.name.lower().replace("_", "-")
