"""Greets callers, and says which key they pressed."""

import jackfield
from jackfield import Say


def handle(call):
    """One call, from its first ring to its end. It has an instance of its own, so it may take its time."""
    settings = jackfield.settings()

    def speech(text):
        return Say(text, lang=settings["language"])

    call.answer()
    call.say(speech(settings["greeting"]))
    digits = call.gather(speech("Please press a key."), max=1, first_timeout=5).digits
    if not digits:
        call.say(speech("Goodbye."))
    else:
        jackfield.log.info("a key was pressed", key=digits)
        call.say(speech(f"You pressed {digits}."))


def validate(settings):
    """Looks at the settings before they are used; a fault keeps the former version live."""
    return None if settings["greeting"] else ("greeting", "nothing to say")


App, PluginInfo = jackfield.app(handle, validate)
