"""From a function to what the contract wants exported."""

import random
import traceback

from componentize_py_types import Err
from wit_world.exports import plugin_info
from wit_world.imports import random as raw_random
from wit_world.imports import types

from ._call import Call
from ._errors import CallError
from ._host import log, settings


def app(handle, validate=None):
    """`App` and `PluginInfo` for a plugin whose calls `handle` takes.

    `validate(settings)` may look at the settings before they are used: it returns nothing, a sentence, or a list of
    sentences and of (path, sentence), such as ("menus.accueil", "has no keys").
    """

    class App:
        def handle(self, call):
            _begin()
            try:
                handle(Call(call))
            except CallError as error:
                if error.kind != "hung-up":
                    _log(error)
                raise Err(error.raw) from None
            except Exception as error:
                _log(error)
                raise Err(types.Error_Other(_told(error))) from None

    class PluginInfo:
        def validate(self):
            _begin()
            try:
                found = validate(settings()) if validate else None
            except Exception as error:
                found = [("", _told(error))]
            findings = [_finding(one) for one in ([found] if isinstance(found, (str, tuple)) else found or [])]
            if findings:
                raise Err(findings)
            return plugin_info.Info("", "")

    return App, PluginInfo


def _begin():
    # The generator was seeded when the plugin was built.
    random.seed(raw_random.next())


def _finding(one):
    path, text = one if isinstance(one, tuple) else ("", one)
    return types.Finding(path.split("."), str(text), "")


def _own(error):
    """The frames that are the author's."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if "/jackfield/" not in frame.filename and "jackfield/_" not in frame.filename]


def _told(error):
    """ "menu.py:12: KeyError: 'x'"."""
    own = _own(error)
    place = f"{_file(own[-1])}:{own[-1].lineno}: " if own else ""
    return f"{place}{type(error).__name__}: {error}"


def _file(frame):
    return frame.filename.rsplit("/", 1)[-1]


def _log(error):
    lines = [f"  called from {_file(frame)}:{frame.lineno} {frame.name}" for frame in reversed(_own(error)[:-1])]
    log.error("\n".join([_told(error), *lines]))
