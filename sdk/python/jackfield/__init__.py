"""What a Jackfield plugin in Python is written with.

    import jackfield

    def handle(call):
        call.answer()
        got = call.gather(say="Pour joindre Alice, taper 1.", first_timeout=10)
        ...

    App, PluginInfo = jackfield.app(handle)

Times are in seconds. A verb waits by itself: each call has an instance of its own. When the caller hangs up, the verb
in progress raises `HungUp`, which a script may let pass.
"""

from ._app import app
from ._call import Call, Clip, Digits, File, Say, Silence, Tone, originate
from ._errors import CallError, HungUp
from ._host import events, http, kv, local_time, log, now, settings, sleep

__all__ = [
    "app", "Call", "CallError", "Clip", "Digits", "File", "HungUp", "Say", "Silence", "Tone", "events", "http", "kv",
    "local_time", "log", "now", "originate", "settings", "sleep",
]
