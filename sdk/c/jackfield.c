// The verbs of jackfield.h, on what `jackfield bindings c` makes of the contract.

#include "jackfield.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call_app.h"

typedef jackfield_plugin_types_error_t raw_error;
typedef jackfield_plugin_call_control_borrow_call_t raw_call;
typedef jackfield_plugin_call_control_prompt_t raw_prompt;

// Errors

static raw_error last;

jf_error jf_last_error(void) {
    return last.tag;
}

const char *jf_last_error_text(void) {
    static char text[256];
    static const char *names[] = {
        "hung up", "denied", "invalid", "not found", "busy", "limit", "timeout", "unavailable", "other",
    };
    // All cases but these two have a string.
    bool worded = last.tag != JF_HUNG_UP && last.tag != JF_TIMEOUT;
    snprintf(text, sizeof text, "%s%s%.*s", names[last.tag], worded ? ": " : "", worded ? (int)last.val.other.len : 0,
             worded ? (const char *)last.val.other.ptr : "");
    return text;
}

bool jf_fail(const char *text) {
    last.tag = JF_OTHER;
    call_app_string_dup(&last.val.other, text);
    return false;
}

// Texts

static call_app_string_t text(const char *value) {
    return (call_app_string_t){(uint8_t *)value, value ? strlen(value) : 0};
}

static call_app_option_string_t option(const char *value) {
    return (call_app_option_string_t){value != NULL, text(value)};
}

// With its end; nothing is freed, since an instance lives for one call.
static char *terminated(call_app_string_t raw) {
    char *copy = malloc(raw.len + 1);
    if (raw.len) memcpy(copy, raw.ptr, raw.len);
    copy[raw.len] = 0;
    return copy;
}

static raw_call leg(jf_call call) {
    return (raw_call){call.leg};
}

// Prompts

static raw_prompt prompt(jf_prompt given) {
    raw_prompt raw = {0};
    switch (given.kind) {
    case 's':
        raw.tag = JACKFIELD_PLUGIN_CALL_CONTROL_PROMPT_SAY;
        raw.val.say = (jackfield_plugin_types_speech_t){text(given.text), text(given.lang), text(given.voice), given.ssml};
        break;
    case 'f':
        raw.tag = JACKFIELD_PLUGIN_CALL_CONTROL_PROMPT_FILE;
        raw.val.file = text(given.text);
        break;
    case 't':
        raw.tag = JACKFIELD_PLUGIN_CALL_CONTROL_PROMPT_TONE;
        raw.val.tone = text(given.text);
        break;
    case 'd':
        raw.tag = JACKFIELD_PLUGIN_CALL_CONTROL_PROMPT_DTMF;
        raw.val.dtmf = text(given.text);
        break;
    case 'c':
        raw.tag = JACKFIELD_PLUGIN_CALL_CONTROL_PROMPT_CLIP;
        raw.val.clip.__handle = given.clip.clip;
        break;
    default:
        raw.tag = JACKFIELD_PLUGIN_CALL_CONTROL_PROMPT_SILENCE;
        raw.val.silence = given.time;
    }
    return raw;
}

static jackfield_plugin_call_control_list_prompt_t prompts(const jf_prompt *given, raw_prompt *room) {
    size_t count = 0;
    for (; count < JF_PROMPTS && given[count].kind; count++) room[count] = prompt(given[count]);
    return (jackfield_plugin_call_control_list_prompt_t){room, count};
}

bool jf_clip_open(const char *file, jf_clip *made) {
    call_app_string_t name = text(file);
    return jackfield_plugin_call_control_static_clip_open(
        &name, (jackfield_plugin_call_control_own_clip_t *)made, &last);
}

bool jf_clip_say(jf_prompt say, jf_clip *made) {
    raw_prompt raw = prompt(say);
    if (say.kind != 's') return jf_fail("jf_clip_say takes JF_SAY");
    return jackfield_plugin_call_control_static_clip_say(
        &raw.val.say, (jackfield_plugin_call_control_own_clip_t *)made, &last);
}

// Verbs

bool jf_answer(jf_call call) {
    return jackfield_plugin_call_control_method_call_answer(leg(call), &last);
}

bool jf_ring(jf_call call) {
    return jackfield_plugin_call_control_method_call_ring(leg(call), &last);
}

bool jf_reject(jf_call call, uint16_t code) {
    return jackfield_plugin_call_control_method_call_reject(leg(call), code, &last);
}

bool jf_hangup(jf_call call, const char *reason) {
    call_app_string_t raw = text(reason);
    return jackfield_plugin_call_control_method_call_hangup(leg(call), &raw, &last);
}

bool jf_hold(jf_call call, const char *music) {
    call_app_string_t raw = text(music);
    return jackfield_plugin_call_control_method_call_hold(leg(call), &raw, &last);
}

bool jf_unhold(jf_call call) {
    return jackfield_plugin_call_control_method_call_unhold(leg(call), &last);
}

bool jf_send_digits(jf_call call, const char *digits) {
    call_app_string_t raw = text(digits);
    return jackfield_plugin_call_control_method_call_send_digits(leg(call), &raw, &last);
}

bool jf_transfer(jf_call call, const char *target) {
    call_app_string_t raw = text(target);
    return jackfield_plugin_call_control_method_call_transfer(leg(call), &raw, &last);
}

bool jf_set_result(jf_call call, const char *key, const char *value) {
    call_app_string_t raw_key = text(key), raw_value = text(value);
    return jackfield_plugin_call_control_method_call_set_result(leg(call), &raw_key, &raw_value, &last);
}

bool jf_play_with(jf_call call, const jf_play_options *options) {
    raw_prompt room[JF_PROMPTS];
    jackfield_plugin_call_control_list_prompt_t list = prompts(options->prompts, room);
    jackfield_plugin_call_control_play_options_t raw = {text(options->interrupt), options->repeat, options->early};
    jackfield_plugin_call_control_play_end_t end;
    return jackfield_plugin_call_control_method_call_play(leg(call), &list, &raw, &end, &last);
}

bool jf_gather_with(jf_call call, jf_gathered *got, const jf_gather_options *options) {
    raw_prompt room[JF_PROMPTS];
    jackfield_plugin_call_control_gather_options_t raw = {
        .prompts = prompts(options->prompts, room),
        .barge_in = options->barge_in,
        .min = options->min,
        .max = options->max,
        .finish = text(options->finish),
        .first_timeout = options->first_timeout,
        .inter_timeout = options->inter_timeout,
        .flush = options->flush,
    };
    jackfield_plugin_call_control_gathered_t end;
    JF_TRY(jackfield_plugin_call_control_method_call_gather(leg(call), &raw, &end, &last));
    snprintf(got->digits, sizeof got->digits, "%.*s", (int)end.digits.len, (const char *)end.digits.ptr);
    got->ended_by = (jf_gather_end)end.ended_by;
    return true;
}

bool jf_record_with(jf_call call, jf_recording *made, const jf_record_options *options) {
    jackfield_plugin_call_control_record_options_t raw = {
        text(options->name), options->max, options->silence, text(options->finish), options->beep, options->both,
    };
    jackfield_plugin_call_control_recording_t end;
    JF_TRY(jackfield_plugin_call_control_method_call_record(leg(call), &raw, &end, &last));
    *made = (jf_recording){terminated(end.name), end.length};
    return true;
}

static jackfield_plugin_call_control_dial_options_t dialling(const jf_dial_options *options, call_app_string_t *room) {
    size_t count = 0;
    for (; count < JF_TARGETS && options->targets[count]; count++) room[count] = text(options->targets[count]);
    return (jackfield_plugin_call_control_dial_options_t){
        .targets = {room, count},
        .timeout = options->timeout,
        .caller = option(options->caller),
        .caller_name = option(options->caller_name),
        .ringback = option(options->ringback),
    };
}

static jf_dialled dialled(jackfield_plugin_call_control_dial_end_t end) {
    if (end.tag == JACKFIELD_PLUGIN_CALL_CONTROL_DIAL_END_ANSWERED) {
        return (jf_dialled){.answered = true, .call = {jackfield_plugin_call_control_borrow_call(end.val.answered).__handle}};
    }
    return (jf_dialled){.cause = (jf_cause)end.val.failed.cause, .code = end.val.failed.code};
}

bool jf_dial_with(jf_call call, jf_dialled *end, const jf_dial_options *options) {
    call_app_string_t room[JF_TARGETS];
    jackfield_plugin_call_control_dial_options_t raw = dialling(options, room);
    jackfield_plugin_call_control_dial_end_t raw_end;
    JF_TRY(jackfield_plugin_call_control_method_call_dial(leg(call), &raw, &raw_end, &last));
    *end = dialled(raw_end);
    return true;
}

bool jf_originate_with(jf_dialled *end, const jf_dial_options *options) {
    call_app_string_t room[JF_TARGETS];
    jackfield_plugin_call_control_dial_options_t raw = dialling(options, room);
    jackfield_plugin_call_control_dial_end_t raw_end;
    JF_TRY(jackfield_plugin_call_control_originate(&raw, &raw_end, &last));
    *end = dialled(raw_end);
    return true;
}

bool jf_bridge_with(jf_call call, jf_call other, jf_bridge_end *end, const jf_bridge_options *options) {
    jackfield_plugin_call_control_bridge_options_t raw = {options->max, text(options->break_digit)};
    jackfield_plugin_call_control_bridge_end_t raw_end;
    JF_TRY(jackfield_plugin_call_control_method_call_bridge(leg(call), leg(other), &raw, &raw_end, &last));
    if (end) *end = (jf_bridge_end)raw_end.tag;
    return true;
}

jf_call_info jf_info(jf_call call) {
    jackfield_plugin_types_call_info_t raw;
    jackfield_plugin_call_control_method_call_info(leg(call), &raw);
    return (jf_call_info){
        terminated(raw.id),    terminated(raw.caller), terminated(raw.caller_name), terminated(raw.callee),
        terminated(raw.trunk), raw.started_at,
    };
}

const char *jf_argument(jf_call call, const char *name) {
    jackfield_plugin_types_call_info_t raw;
    jackfield_plugin_call_control_method_call_info(leg(call), &raw);
    for (size_t i = 0; i < raw.args.len; i++) {
        call_app_string_t key = raw.args.ptr[i].f0;
        if (key.len == strlen(name) && !memcmp(key.ptr, name, key.len)) return terminated(raw.args.ptr[i].f1);
    }
    return NULL;
}

// Settings: a way through JSON that the host has written, so it is well-formed.

static const char *blank(const char *json) {
    while (*json == ' ' || *json == ',' || *json == ':') json++;
    return json;
}

// Behind the value that begins here.
static const char *behind(const char *json) {
    int depth = 0;
    json = blank(json);
    do {
        if (*json == '"') {
            for (json++; *json && *json != '"'; json++) json += *json == '\\';
        }
        depth += *json == '{' || *json == '[';
        depth -= *json == '}' || *json == ']';
        if (*json) json++;
    } while (*json && (depth > 0 || !strchr(",:]}", *json)));
    return json;
}

static int hexadecimal(const char *digits) {
    char four[5] = {digits[0], digits[1], digits[2], digits[3], 0};
    return (int)strtol(four, NULL, 16);
}

// The value from here to there: a string without its quotes and escapes, all else as it is.
static char *value(const char *from, const char *to) {
    char *made = malloc(to - from + 1), *end = made;
    bool quoted = *from == '"';
    for (from += quoted; from < to && !(quoted && *from == '"'); from++) {
        if (quoted && *from == '\\') {
            static const char escapes[] = "n\nt\tr\rb\bf\f";
            const char *escape = strchr(escapes, *++from);
            if (*from == 'u') {
                // The host escapes only control characters.
                *end++ = (char)hexadecimal(from + 1);
                from += 4;
            } else {
                *end++ = escape ? escape[1] : *from;
            }
        } else {
            *end++ = *from;
        }
    }
    *end = 0;
    return made;
}

const char *jf_setting(const char *path) {
    static const char *all;
    if (!all) {
        call_app_string_t raw;
        jackfield_plugin_config_all(&raw);
        all = terminated(raw);
    }
    const char *json = all;
    while (*path) {
        size_t length = strcspn(path, ".");
        if (*json != '{') return NULL;
        for (json = blank(json + 1);; json = blank(behind(blank(behind(json))))) {
            if (*json != '"') return NULL;
            if (!strncmp(json + 1, path, length) && json[1 + length] == '"') break;
        }
        json = blank(behind(json));
        path += length + (path[length] == '.');
    }
    return value(json, behind(json));
}

uint32_t jf_setting_time(const char *path, uint32_t otherwise) {
    const char *given = jf_setting(path);
    char *unit = NULL;
    unsigned long number = given ? strtoul(given, &unit, 10) : 0;
    if (!given || unit == given) return otherwise;
    while (*unit == ' ') unit++;
    static const struct {
        const char *name;
        uint32_t factor;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!strcmp(unit, units[i].name)) return (uint32_t)(number * units[i].factor);
    }
    return otherwise;
}

// Log, time, store

void jf_log(jf_level level, const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    call_app_string_t message = text(line);
    call_app_list_tuple2_string_string_t fields = {0};
    jackfield_plugin_log_log((jackfield_plugin_log_level_t)level, &message, &fields);
}

void jf_sleep(uint32_t milliseconds) {
    jackfield_plugin_timers_sleep(milliseconds);
}

uint64_t jf_now(void) {
    return jackfield_plugin_timers_now();
}

uint64_t jf_random(void) {
    return jackfield_plugin_random_next();
}

bool jf_kv_get(const char *key, char **found) {
    call_app_string_t name = text(key);
    call_app_option_list_u8_t raw;
    JF_TRY(jackfield_plugin_kv_get(&name, &raw, &last));
    *found = raw.is_some ? terminated((call_app_string_t){raw.val.ptr, raw.val.len}) : NULL;
    return true;
}

bool jf_kv_set(const char *key, const char *given) {
    call_app_string_t name = text(key);
    call_app_list_u8_t raw = {(uint8_t *)given, strlen(given)};
    return jackfield_plugin_kv_set(&name, &raw, NULL, &last);
}

bool jf_kv_add(const char *key, int64_t delta, int64_t *sum) {
    call_app_string_t name = text(key);
    return jackfield_plugin_kv_add(&name, delta, sum, &last);
}

bool jf_kv_delete(const char *key) {
    call_app_string_t name = text(key);
    bool was_there;
    return jackfield_plugin_kv_delete(&name, &was_there, &last);
}

// What the host calls

bool exports_jackfield_plugin_app_handle(exports_jackfield_plugin_app_own_call_t call, raw_error *error) {
    jf_call own = {jackfield_plugin_call_control_borrow_call(call).__handle};
    // A `return false` of no verb is an error too.
    last.tag = JF_OTHER;
    last.val.other = text("handle returned false");
    if (handle(own)) return true;
    *error = last;
    // The host frees what it was given.
    if (error->tag != JF_HUNG_UP && error->tag != JF_TIMEOUT) {
        call_app_string_dup_n(&error->val.other, (const char *)last.val.other.ptr, last.val.other.len);
    }
    return false;
}

static exports_jackfield_plugin_plugin_info_finding_t findings[16];
static size_t finding_count;

void jf_finding(const char *path, const char *words) {
    if (finding_count == sizeof findings / sizeof *findings) return;
    exports_jackfield_plugin_plugin_info_finding_t *finding = &findings[finding_count++];
    size_t keys = 1;
    for (const char *dot = path; (dot = strchr(dot, '.')); dot++) keys++;
    finding->path = (call_app_list_string_t){malloc(keys * sizeof(call_app_string_t)), keys};
    for (size_t i = 0; i < keys; i++) {
        size_t length = strcspn(path, ".");
        call_app_string_dup_n(&finding->path.ptr[i], path, length);
        path += length + (path[length] == '.');
    }
    call_app_string_dup(&finding->text, words);
}

__attribute__((weak)) void validate(void) {}

bool exports_jackfield_plugin_plugin_info_validate(
    exports_jackfield_plugin_plugin_info_info_t *info, exports_jackfield_plugin_plugin_info_list_finding_t *error) {
    validate();
    if (finding_count == 0) {
        *info = (exports_jackfield_plugin_plugin_info_info_t){0};
        return true;
    }
    error->ptr = malloc(sizeof findings);
    memcpy(error->ptr, findings, sizeof findings);
    error->len = finding_count;
    return false;
}
