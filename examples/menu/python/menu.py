"""The menu of La Plateforme: three people, a time for the answer, three mistakes."""

import jackfield

WELCOME = [
    "Bonjour et bienvenue chez La Plateforme !",
    "Pour joindre Alice, taper 1.",
    "Pour joindre Bob, taper 2.",
    "Pour joindre Malcom, taper 3.",
]
PEOPLE = {"1": "Alice", "2": "Bob", "3": "Malcom"}
MISTAKES = 3


def handle(call):
    timeout = jackfield.settings()["menus"]["accueil"]["response-timeout"]
    mistakes = 0
    before = []

    call.answer()
    while True:
        digits = call.gather([*before, *WELCOME], first_timeout=timeout).digits
        name = PEOPLE.get(digits)
        if name:
            mistakes = 0
            call.set_result("accueil", digits)
            dialled = call.dial(name.lower(), timeout=10)
            if dialled.call:
                call.bridge(dialled.call)
                return
            before = [f"{name} n'est pas disponible."]
        else:
            before = ["Entrée invalide"] if digits else []
            mistakes += 1
            if mistakes == MISTAKES:
                call.say([*before, "Nous n'avons pas reçu de réponse. Au revoir."])
                return


App, PluginInfo = jackfield.app(handle)
