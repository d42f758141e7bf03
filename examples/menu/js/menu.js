// The menu of La Plateforme: three people, a time for the answer, three mistakes.

const WELCOME = [
    "Bonjour et bienvenue chez La Plateforme !",
    "Pour joindre Alice, taper 1.",
    "Pour joindre Bob, taper 2.",
    "Pour joindre Malcom, taper 3.",
];
const PEOPLE = { 1: "Alice", 2: "Bob", 3: "Malcom" };
const MISTAKES = 3;

export function handle(call) {
    const firstTimeout = settings.menus.accueil["response-timeout"];
    let mistakes = 0;
    let before = [];

    call.answer();
    while (true) {
        const { digits } = call.gather({ say: [...before, ...WELCOME], firstTimeout });
        const name = PEOPLE[digits];
        if (name) {
            mistakes = 0;
            call.setResult("accueil", digits);
            const dialled = call.dial(name.toLowerCase(), { timeout: 10 });
            if (dialled.call) {
                call.bridge(dialled.call);
                return;
            }
            before = [`${name} n'est pas disponible.`];
        } else {
            before = digits ? ["Entrée invalide"] : [];
            mistakes += 1;
            if (mistakes === MISTAKES) {
                call.play({ say: [...before, "Nous n'avons pas reçu de réponse. Au revoir."] });
                return;
            }
        }
    }
}
