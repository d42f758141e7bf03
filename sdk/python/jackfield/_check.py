"""Arguments: what they may be, and what the host takes. Python itself refuses a keyword that is misspelt."""


def _wrong(verb, name, wanted, value):
    return TypeError(f"{verb}: {name} is {wanted}, not {value!r}")


def text(verb, name, value):
    if not isinstance(value, str):
        raise _wrong(verb, name, "a string", value)
    return value


def optional_text(verb, name, value):
    return None if value is None else text(verb, name, value)


def flag(verb, name, value):
    if not isinstance(value, bool):
        raise _wrong(verb, name, "True or False", value)
    return value


def count(verb, name, value):
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _wrong(verb, name, "a whole number", value)
    return value


def digits(verb, name, value):
    if not isinstance(value, str) or set(value) - set("0123456789*#ABCD"):
        raise _wrong(verb, name, "digits, such as '1' or '0123456789*#'", value)
    return value


_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


def time(verb, name, value):
    """Seconds, or "500ms", "10s", "2m" as in plugin.toml; the host takes milliseconds."""
    if isinstance(value, str):
        for unit, factor in _UNITS.items():
            number = value.removesuffix(unit).strip()
            if value.endswith(unit) and number.isdigit():
                return int(number) * factor
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return round(value * 1000)
    raise _wrong(verb, name, "a time: seconds, or '500ms', '10s', '2m'", value)


def strings(verb, name, value):
    if not isinstance(value, dict) or not all(isinstance(x, str) for pair in value.items() for x in pair):
        raise _wrong(verb, name, "a dict of strings", value)
    return list(value.items())


def listed(value):
    """One thing, or a list of them."""
    return list(value) if isinstance(value, (list, tuple)) else [value]
