// The menu of La Plateforme: three people, a time for the answer, three mistakes.

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "jackfield.h"

static const char *PEOPLE[] = {"Alice", "Bob", "Malcom"};
enum { MISTAKES = 3 };

// What was said before comes first, in one go with the menu.
static bool ask(jf_call call, const char *before, jf_gathered *got) {
    jf_gather_options options = {JF_GATHER_DEFAULTS};
    jf_prompt *next = options.prompts;

    options.first_timeout = jf_setting_time("menus.accueil.response-timeout", 10000);
    if (*before) *next++ = JF_SAY(before);
    *next++ = JF_SAY("Bonjour et bienvenue chez La Plateforme !");
    *next++ = JF_SAY("Pour joindre Alice, taper 1.");
    *next++ = JF_SAY("Pour joindre Bob, taper 2.");
    *next++ = JF_SAY("Pour joindre Malcom, taper 3.");
    return jf_gather_with(call, got, &options);
}

static bool ring(jf_call call, const char *name, jf_dialled *end) {
    char target[16] = {0};
    for (size_t i = 0; name[i] && i < sizeof target - 1; i++) target[i] = (char)tolower(name[i]);
    return jf_dial(call, end, .targets = {target}, .timeout = 10000);
}

bool handle(jf_call call) {
    char before[64] = "";
    int mistakes = 0;

    JF_TRY(jf_answer(call));
    for (;;) {
        jf_gathered got;
        JF_TRY(ask(call, before, &got));
        *before = 0;
        if (*got.digits >= '1' && *got.digits <= '3') {
            const char *name = PEOPLE[*got.digits - '1'];
            jf_dialled end;
            mistakes = 0;
            JF_TRY(jf_set_result(call, "accueil", got.digits));
            JF_TRY(ring(call, name, &end));
            if (end.answered) return jf_bridge(call, end.call);
            snprintf(before, sizeof before, "%s n'est pas disponible.", name);
        } else {
            if (*got.digits) strcpy(before, "Entrée invalide");
            if (++mistakes == MISTAKES) break;
        }
    }
    if (*before) JF_TRY(jf_say(call, before));
    return jf_say(call, "Nous n'avons pas reçu de réponse. Au revoir.");
}
