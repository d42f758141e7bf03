// Greets callers, and says which key they pressed.

#include <stdio.h>

#include "jackfield.h"

static jf_prompt speech(const char *text) {
    return JF_SAY(text, .lang = jf_setting("language"));
}

// One call, from its first ring to its end. It has an instance of its own, so it may take its time.
bool handle(jf_call call) {
    jf_gathered got;
    char text[32];

    JF_TRY(jf_answer(call));
    JF_TRY(jf_play(call, .prompts = {speech(jf_setting("greeting"))}));
    JF_TRY(jf_gather(call, &got, .prompts = {speech("Please press a key.")}, .max = 1, .first_timeout = 5000));
    if (!*got.digits) return jf_play(call, .prompts = {speech("Goodbye.")});
    jf_log(JF_LOG_INFO, "a key was pressed: %s", got.digits);
    snprintf(text, sizeof text, "You pressed %s.", got.digits);
    return jf_play(call, .prompts = {speech(text)});
}

// Looks at the settings before they are used; a fault keeps the former version live.
void validate(void) {
    const char *greeting = jf_setting("greeting");
    if (!greeting || !*greeting) jf_finding("greeting", "nothing to say");
}
