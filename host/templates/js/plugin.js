// Greets callers, and says which key they pressed.

/** One call, from its first ring to its end. It has an instance of its own, so it may take its time. */
export function handle(call) {
    const speech = (text) => ({ text, lang: settings.language });
    call.answer();
    call.say(speech(settings.greeting));
    const { digits } = call.gather({ say: speech("Please press a key."), max: 1, firstTimeout: 5 });
    if (digits === "") {
        call.say(speech("Goodbye."));
    } else {
        log.info("a key was pressed:", digits);
        call.say(speech(`You pressed ${digits}.`));
    }
}

/** Looks at the settings before they are used; a sentence is a fault, and the former version stays live. */
export function validate(settings) {
    return settings.greeting ? null : { path: "greeting", text: "nothing to say" };
}
