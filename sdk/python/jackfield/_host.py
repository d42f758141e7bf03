"""What is behind a plugin besides its calls: settings, log, time, store, HTTP, events."""

import json
from dataclasses import dataclass, field

from wit_world.imports import config, timers, types
from wit_world.imports import events as raw_events
from wit_world.imports import http as raw_http
from wit_world.imports import kv as raw_kv
from wit_world.imports import log as raw_log

from . import _check as check
from ._errors import ask

_settings = None


def settings():
    """`[config]` of plugin.toml after the operator's, as a dict. Not at import: a plugin is imported when it is built."""
    global _settings
    if _settings is None:
        _settings = json.loads(config.all())
    return _settings


class log:
    """`log.info("a key was pressed", key=1)`."""

    @staticmethod
    def _write(level, message, fields):
        raw_log.log(level, str(message), [(key, str(value)) for key, value in fields.items()])

    @staticmethod
    def debug(message, **fields):
        log._write(raw_log.Level.DEBUG, message, fields)

    @staticmethod
    def info(message, **fields):
        log._write(raw_log.Level.INFO, message, fields)

    @staticmethod
    def warn(message, **fields):
        log._write(raw_log.Level.WARN, message, fields)

    @staticmethod
    def error(message, **fields):
        log._write(raw_log.Level.ERROR, message, fields)


def sleep(time):
    """Seconds; only this call waits."""
    timers.sleep(check.time("sleep", "time", time))


def now():
    """Unix time in seconds."""
    return timers.now() / 1000


def local_time(zone, at=None):
    """year, month, day, hour, minute, second and weekday (1 is Monday) in an IANA zone."""
    at = timers.now() if at is None else round(at * 1000)
    local = timers.local(at, check.text("local_time", "zone", zone))
    if local is None:
        raise ValueError(f"local_time: there is no zone {zone}")
    return local


class kv:
    """One store for each plugin, kept on disk. Values are strings; `get_bytes` and bytes are what they are."""

    @staticmethod
    def get(key, default=None):
        value = kv.get_bytes(key)
        return default if value is None else value.decode()

    @staticmethod
    def get_bytes(key):
        return ask("kv.get", raw_kv.get, check.text("kv.get", "key", key))

    @staticmethod
    def set(key, value, *, ttl=None):
        bytes_ = value if isinstance(value, bytes) else str(value).encode()
        ttl = None if ttl is None else check.time("kv.set", "ttl", ttl)
        ask("kv.set", raw_kv.set, check.text("kv.set", "key", key), bytes_, ttl)

    @staticmethod
    def delete(key):
        return ask("kv.delete", raw_kv.delete, check.text("kv.delete", "key", key))

    @staticmethod
    def add(key, delta=1):
        """Counts; a key that is missing is 0."""
        return ask("kv.add", raw_kv.add, check.text("kv.add", "key", key), delta)

    @staticmethod
    def keys(prefix="", *, after="", limit=1000):
        return ask("kv.keys", raw_kv.keys, prefix, after, check.count("kv.keys", "limit", limit))


@dataclass
class Response:
    status: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


class http:
    """To the hosts that are granted."""

    @staticmethod
    def fetch(url, *, method="GET", headers=None, body=b"", timeout=10):
        request = raw_http.Request(
            method=check.text("http.fetch", "method", method),
            url=check.text("http.fetch", "url", url),
            headers=[types.Header(*pair) for pair in check.strings("http.fetch", "headers", headers or {})],
            body=body.encode() if isinstance(body, str) else body,
            timeout=check.time("http.fetch", "timeout", timeout),
        )
        response = ask("http.fetch", raw_http.fetch, request)
        return Response(response.status, {h.name.lower(): h.value for h in response.headers}, response.body)


@dataclass
class Event:
    #: "digit", "done", "answered", "hung-up", "timer", "message", "stop" or "other".
    type: str
    #: As in the contract.
    value: object = field(default=None)


class events:
    @staticmethod
    def next(timeout=None):
        """The next event, or None when the time is over; without a time it waits until there is one."""
        wait = None if timeout is None else check.time("events.next", "timeout", timeout)
        event = raw_events.next(wait)
        if event is None:
            return None
        name = type(event).__name__.removeprefix("Event_")
        name = "".join(f"-{char.lower()}" if char.isupper() else char for char in name).lstrip("-")
        return Event(name, getattr(event, "value", None))

    @staticmethod
    def timer(after, *, repeat=False):
        """Fires as an event `timer`; returns its number."""
        return timers.start(check.time("events.timer", "after", after), check.flag("events.timer", "repeat", repeat))

    @staticmethod
    def cancel(timer):
        timers.cancel(timer)
