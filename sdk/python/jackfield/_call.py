"""One leg of a call, and what is heard on it."""

from dataclasses import dataclass

from wit_world.imports import call_control as raw
from wit_world.imports import types

from . import _check as check
from ._errors import ask, word

_ANY_DIGIT = "0123456789*#ABCD"


@dataclass
class Say:
    """A text with its language and voice; a plain string is one with the defaults."""

    text: str
    lang: str = ""
    voice: str = ""
    ssml: bool = False


@dataclass
class File:
    """An audio file of the plugin's prompts, or "shared:NAME"."""

    name: str


@dataclass
class Tone:
    """ "ringback", "busy", "congestion", "beep", or pairs like "425/400,0/200"."""

    name: str


@dataclass
class Digits:
    """Keys as tones."""

    keys: str


@dataclass
class Silence:
    """Nothing, for so many seconds."""

    time: float


class Clip:
    """Audio made ready in the host, so that playing it starts at once."""

    def __init__(self, made):
        self._raw = made

    @classmethod
    def open(cls, name):
        return cls(ask("Clip.open", raw.Clip.open, check.text("Clip.open", "name", name)))

    @classmethod
    def say(cls, text):
        return cls(ask("Clip.say", raw.Clip.say, _speech("Clip.say", text)))

    @property
    def length(self):
        """Seconds."""
        return self._raw.length() / 1000


def _speech(verb, what):
    what = Say(what) if isinstance(what, str) else what
    if not isinstance(what, Say):
        raise TypeError(f"{verb}: what is said is a string or Say(...), not {what!r}")
    check.flag(verb, "ssml", what.ssml)
    texts = [check.text(verb, name, getattr(what, name)) for name in ("text", "lang", "voice")]
    return types.Speech(*texts, what.ssml)


def _prompt(verb, what):
    match what:
        case str() | Say():
            return raw.Prompt_Say(_speech(verb, what))
        case File(name):
            return raw.Prompt_File(check.text(verb, "the file", name))
        case Clip():
            return raw.Prompt_Clip(what._raw)
        case Digits(keys):
            return raw.Prompt_Dtmf(check.digits(verb, "the keys", keys))
        case Tone(name):
            return raw.Prompt_Tone(check.text(verb, "the tone", name))
        case Silence(time):
            return raw.Prompt_Silence(check.time(verb, "the silence", time))
    raise TypeError(f"{verb}: a prompt is a string, Say, File, Clip, Tone, Digits or Silence, not {what!r}")


def _prompts(verb, what):
    return [_prompt(verb, one) for one in check.listed(what)]


@dataclass
class Gathered:
    digits: str
    #: "max-reached", "finish-digit", "first-timeout", "inter-timeout" or "other".
    ended_by: str


@dataclass
class Played:
    #: "finished", "interrupted", "stopped" or "other".
    end: str
    digit: str | None = None


@dataclass
class Recording:
    name: str
    #: Seconds.
    length: float
    digit: str | None


@dataclass
class Dialled:
    #: None: nobody answered, for this cause.
    call: "Call | None"
    cause: str | None = None
    code: int = 0


@dataclass
class Bridged:
    #: "other-hung-up", "digit", "timeout", "unbridged" or "other".
    end: str
    cause: str | None = None
    digit: str | None = None


class Call:
    """One leg. Losing the object does not hang up: the legs of a plugin end when its function returns."""

    def __init__(self, leg):
        self._raw = leg

    @property
    def id(self):
        return self._raw.id()

    @property
    def info(self):
        """Who calls whom; `headers` and `args` are dicts."""
        info = self._raw.info()
        info.direction = word(info.direction)
        info.headers = {header.name: header.value for header in info.headers}
        info.args = dict(info.args)
        return info

    @property
    def state(self):
        return word(self._raw.state())

    def answer(self):
        ask("answer", self._raw.answer)

    def ring(self):
        ask("ring", self._raw.ring)

    def reject(self, code=603):
        ask("reject", self._raw.reject, check.count("reject", "code", code))

    def hangup(self, reason=""):
        ask("hangup", self._raw.hangup, check.text("hangup", "reason", reason))

    def say(self, what, *, interrupt="", repeat=1, early=False):
        """Speaks, to the end or to a digit of `interrupt`."""
        return self._play("say", what, interrupt, repeat, early)

    def play(self, what, *, interrupt="", repeat=1, early=False):
        """Plays a prompt or a list of them: texts, File, Clip, Tone, Digits, Silence."""
        return self._play("play", what, interrupt, repeat, early)

    def _play(self, verb, what, interrupt, repeat, early):
        end = ask(verb, self._raw.play, _prompts(verb, what), _play_options(verb, interrupt, repeat, early))
        return Played(_case(end), getattr(end, "value", None) if isinstance(end, raw.PlayEnd_Interrupted) else None)

    def gather(
        self, say=(), *, barge_in=True, min=1, max=1, finish="", first_timeout=5, inter_timeout=3, flush=False
    ):
        """Collects digits, with prompts that the first of them stops."""
        options = raw.GatherOptions(
            prompts=_prompts("gather", say),
            barge_in=check.flag("gather", "barge_in", barge_in),
            min=check.count("gather", "min", min),
            max=check.count("gather", "max", max),
            finish=check.digits("gather", "finish", finish),
            first_timeout=check.time("gather", "first_timeout", first_timeout),
            inter_timeout=check.time("gather", "inter_timeout", inter_timeout),
            flush=check.flag("gather", "flush", flush),
        )
        got = ask("gather", self._raw.gather, options)
        return Gathered(got.digits, word(got.ended_by))

    def record(self, *, name="", max=60, silence=0, finish=_ANY_DIGIT, beep=False, both=False):
        """Records what this leg says."""
        options = _record_options("record", name, max, silence, finish, beep, both)
        made = ask("record", self._raw.record, options)
        return Recording(made.name, made.length / 1000, made.digit)

    def send_digits(self, keys):
        ask("send_digits", self._raw.send_digits, check.digits("send_digits", "keys", keys))

    def hold(self, music=""):
        ask("hold", self._raw.hold, check.text("hold", "music", music))

    def unhold(self):
        ask("unhold", self._raw.unhold)

    def start_play(self, what, *, interrupt="", repeat=1, early=False):
        """Begins and returns at once, with a number for `stop` and for the event `done`."""
        options = _play_options("start_play", interrupt, repeat, early)
        return ask("start_play", self._raw.start_play, _prompts("start_play", what), options)

    def start_record(self, *, name="", max=60, silence=0, finish=_ANY_DIGIT, beep=False, both=False):
        options = _record_options("start_record", name, max, silence, finish, beep, both)
        return ask("start_record", self._raw.start_record, options)

    def start_bridge(self, other, *, max=0, break_digit=""):
        options = _bridge_options("start_bridge", max, break_digit)
        return ask("start_bridge", self._raw.start_bridge, _leg("start_bridge", other), options)

    def stop(self, operation):
        ask("stop", self._raw.stop, check.count("stop", "operation", operation))

    def dial(self, targets, *, timeout=30, caller=None, caller_name=None, headers=None, ringback=None):
        """Rings one target, or a list of which the first to answer wins."""
        options = _dial_options("dial", targets, timeout, caller, caller_name, headers, ringback)
        return _dialled(ask("dial", self._raw.dial, options))

    def start_dial(self, targets, *, timeout=30, caller=None, caller_name=None, headers=None, ringback=None):
        """Returns the leg while it still rings."""
        options = _dial_options("start_dial", targets, timeout, caller, caller_name, headers, ringback)
        return Call(ask("start_dial", self._raw.start_dial, options))

    def bridge(self, other, *, max=0, break_digit=""):
        """Joins two legs until one leaves."""
        options = _bridge_options("bridge", max, break_digit)
        end = ask("bridge", self._raw.bridge, _leg("bridge", other), options)
        cause = word(end.value.cause) if isinstance(end, raw.BridgeEnd_OtherHungUp) else None
        digit = end.value if isinstance(end, raw.BridgeEnd_Digit) else None
        return Bridged(_case(end), cause, digit)

    def transfer(self, target):
        ask("transfer", self._raw.transfer, check.text("transfer", "target", target))

    def set_result(self, key, value):
        """Notes something in the call record."""
        ask("set_result", self._raw.set_result, check.text("set_result", "key", key), str(value))


def originate(targets, *, timeout=30, caller=None, caller_name=None, headers=None, ringback=None):
    """A new leg that belongs to nobody's call."""
    options = _dial_options("originate", targets, timeout, caller, caller_name, headers, ringback)
    return _dialled(ask("originate", raw.originate, options))


def _play_options(verb, interrupt, repeat, early):
    return raw.PlayOptions(
        interrupt=check.digits(verb, "interrupt", interrupt),
        repeat=check.count(verb, "repeat", repeat),
        early=check.flag(verb, "early", early),
    )


def _record_options(verb, name, max, silence, finish, beep, both):
    return raw.RecordOptions(
        name=check.text(verb, "name", name),
        max=check.time(verb, "max", max),
        silence=check.time(verb, "silence", silence),
        finish=check.digits(verb, "finish", finish),
        beep=check.flag(verb, "beep", beep),
        both=check.flag(verb, "both", both),
    )


def _dial_options(verb, targets, timeout, caller, caller_name, headers, ringback):
    return raw.DialOptions(
        targets=[check.text(verb, "a target", target) for target in check.listed(targets)],
        timeout=check.time(verb, "timeout", timeout),
        caller=check.optional_text(verb, "caller", caller),
        caller_name=check.optional_text(verb, "caller_name", caller_name),
        headers=[types.Header(*pair) for pair in check.strings(verb, "headers", headers or {})],
        ringback=check.optional_text(verb, "ringback", ringback),
    )


def _bridge_options(verb, max, break_digit):
    return raw.BridgeOptions(
        max=check.time(verb, "max", max), break_digit=check.digits(verb, "break_digit", break_digit)
    )


def _leg(verb, other):
    if not isinstance(other, Call):
        raise TypeError(f"{verb}: the other leg is a call, as dial returns it, not {other!r}")
    return other._raw


def _dialled(end):
    if isinstance(end, raw.DialEnd_Answered):
        return Dialled(Call(end.value))
    return Dialled(None, word(end.value.cause), end.value.code)


def _case(end):
    """The contract's word for a case: "other-hung-up" of BridgeEnd_OtherHungUp."""
    name = type(end).__name__.split("_")[1]
    return "".join(f"-{char.lower()}" if char.isupper() else char for char in name).lstrip("-")
