// What a Jackfield plugin in C is written with.
//
//     #include "jackfield.h"
//
//     bool handle(jf_call call) {
//         jf_gathered got;
//         JF_TRY(jf_answer(call));
//         JF_TRY(jf_gather(call, &got, .prompts = {JF_SAY("Pour joindre Alice, taper 1.")}, .first_timeout = 10000));
//         ...
//         return true;
//     }
//
// Options are named and have defaults; the compiler knows a misspelt one. Times are in milliseconds. A verb waits by
// itself: each call has an instance of its own. It returns false when it fails, also because the caller has hung up:
// JF_TRY hands that on, and a handle that returns false after a hang-up has ended as it should.

#ifndef JACKFIELD_H
#define JACKFIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An option overrides its default.
#pragma clang diagnostic ignored "-Winitializer-overrides"

#define JF_TRY(verb)                                                                                                   \
    do {                                                                                                               \
        if (!(verb)) return false;                                                                                     \
    } while (0)

#define JF_ANY_DIGIT "0123456789*#ABCD"
enum { JF_PROMPTS = 16, JF_TARGETS = 8, JF_DIGITS_MAX = 64 };

// One leg of a call. It ends when `handle` returns.
typedef struct {
    int32_t leg;
} jf_call;

// Audio made ready in the host, so that playing it starts at once.
typedef struct {
    int32_t clip;
} jf_clip;

// Yours: one call, from its first ring to its end.
bool handle(jf_call call);
// Yours if you want it: looks at the settings before they are used, and calls jf_finding for each fault.
void validate(void);
void jf_finding(const char *path, const char *text);

// Errors

typedef enum {
    JF_HUNG_UP,
    JF_DENIED,
    JF_INVALID,
    JF_NOT_FOUND,
    JF_BUSY,
    JF_LIMIT,
    JF_TIMEOUT,
    JF_UNAVAILABLE,
    JF_OTHER,
} jf_error;

// Of the verb that failed last.
jf_error jf_last_error(void);
const char *jf_last_error_text(void);
// Makes a `return false` of your own an error with these words: `return jf_fail("no such menu")`.
bool jf_fail(const char *text);

typedef enum {
    JF_CAUSE_NORMAL,
    JF_CAUSE_BUSY,
    JF_CAUSE_NO_ANSWER,
    JF_CAUSE_REJECTED,
    JF_CAUSE_CANCELLED,
    JF_CAUSE_NOT_FOUND,
    JF_CAUSE_UNAVAILABLE,
    JF_CAUSE_ANSWERED_ELSEWHERE,
    JF_CAUSE_TRANSFERRED,
    JF_CAUSE_MEDIA_TIMEOUT,
    JF_CAUSE_NETWORK,
    JF_CAUSE_SHUTDOWN,
    JF_CAUSE_OTHER,
} jf_cause;

// What is heard

typedef struct {
    // None (the end of a list), 's'ay, 'f'ile, 't'one, 'd'igits, 'p'ause, 'c'lip.
    char kind;
    const char *text;
    const char *lang;
    const char *voice;
    bool ssml;
    uint32_t time;
    jf_clip clip;
} jf_prompt;

// JF_SAY("Bonjour"), JF_SAY("Hello", .lang = "en")
#define JF_SAY(...) ((jf_prompt){.kind = 's', .text = __VA_ARGS__})
#define JF_FILE(name) ((jf_prompt){.kind = 'f', .text = (name)})
// "ringback", "busy", "congestion", "beep", or pairs like "425/400,0/200"
#define JF_TONE(name) ((jf_prompt){.kind = 't', .text = (name)})
#define JF_DIGITS(keys) ((jf_prompt){.kind = 'd', .text = (keys)})
#define JF_SILENCE(milliseconds) ((jf_prompt){.kind = 'p', .time = (milliseconds)})
#define JF_CLIP(made) ((jf_prompt){.kind = 'c', .clip = (made)})

bool jf_clip_open(const char *file, jf_clip *made);
bool jf_clip_say(jf_prompt say, jf_clip *made);

// Verbs

bool jf_answer(jf_call call);
bool jf_ring(jf_call call);
bool jf_reject(jf_call call, uint16_t code);
bool jf_hangup(jf_call call, const char *reason);
bool jf_hold(jf_call call, const char *music);
bool jf_unhold(jf_call call);
bool jf_send_digits(jf_call call, const char *digits);
bool jf_transfer(jf_call call, const char *target);
// Notes something in the call record.
bool jf_set_result(jf_call call, const char *key, const char *value);

typedef struct {
    jf_prompt prompts[JF_PROMPTS];
    // Digits that stop it.
    const char *interrupt;
    // 0: until stopped.
    uint32_t repeat;
    // Before the answer.
    bool early;
} jf_play_options;
#define JF_PLAY_DEFAULTS .interrupt = "", .repeat = 1

// jf_play(call, .prompts = {JF_FILE("jingle.wav"), JF_SAY("Bonjour !")}, .interrupt = JF_ANY_DIGIT)
#define jf_play(call, ...) jf_play_with(call, &(jf_play_options){JF_PLAY_DEFAULTS, __VA_ARGS__})
bool jf_play_with(jf_call call, const jf_play_options *options);
// jf_say(call, "Bonjour !")
#define jf_say(call, ...) jf_play(call, .prompts = {JF_SAY(__VA_ARGS__)})

typedef struct {
    jf_prompt prompts[JF_PROMPTS];
    // The first digit stops the prompts.
    bool barge_in;
    uint32_t min, max;
    // Ends the input, and is not part of it.
    const char *finish;
    uint32_t first_timeout, inter_timeout;
    // Forget what was typed before.
    bool flush;
} jf_gather_options;
#define JF_GATHER_DEFAULTS                                                                                             \
    .barge_in = true, .min = 1, .max = 1, .finish = "", .first_timeout = 5000, .inter_timeout = 3000

typedef enum { JF_MAX_REACHED, JF_FINISH_DIGIT, JF_FIRST_TIMEOUT, JF_INTER_TIMEOUT, JF_GATHER_OTHER } jf_gather_end;
typedef struct {
    char digits[JF_DIGITS_MAX];
    jf_gather_end ended_by;
} jf_gathered;

// jf_gather(call, &got, .prompts = {...}, .max = 4, .finish = "#")
#define jf_gather(call, got, ...) jf_gather_with(call, got, &(jf_gather_options){JF_GATHER_DEFAULTS, __VA_ARGS__})
bool jf_gather_with(jf_call call, jf_gathered *got, const jf_gather_options *options);

typedef struct {
    const char *name;
    uint32_t max, silence;
    const char *finish;
    bool beep, both;
} jf_record_options;
#define JF_RECORD_DEFAULTS .name = "", .max = 60000, .finish = JF_ANY_DIGIT

typedef struct {
    char *name;
    uint32_t length;
} jf_recording;

#define jf_record(call, made, ...) jf_record_with(call, made, &(jf_record_options){JF_RECORD_DEFAULTS, __VA_ARGS__})
bool jf_record_with(jf_call call, jf_recording *made, const jf_record_options *options);

typedef struct {
    // More than one: the first to answer wins.
    const char *targets[JF_TARGETS];
    uint32_t timeout;
    // NULL: the host's choice.
    const char *caller, *caller_name, *ringback;
} jf_dial_options;
#define JF_DIAL_DEFAULTS .timeout = 30000

typedef struct {
    bool answered;
    // When answered.
    jf_call call;
    // When not.
    jf_cause cause;
    uint16_t code;
} jf_dialled;

// jf_dial(call, &alice, .targets = {"alice"}, .timeout = 10000)
#define jf_dial(call, end, ...) jf_dial_with(call, end, &(jf_dial_options){JF_DIAL_DEFAULTS, __VA_ARGS__})
bool jf_dial_with(jf_call call, jf_dialled *end, const jf_dial_options *options);
// A new leg that belongs to nobody's call.
#define jf_originate(end, ...) jf_originate_with(end, &(jf_dial_options){JF_DIAL_DEFAULTS, __VA_ARGS__})
bool jf_originate_with(jf_dialled *end, const jf_dial_options *options);

typedef struct {
    // 0: no limit.
    uint32_t max;
    // Ends the bridge, and keeps both legs.
    const char *break_digit;
} jf_bridge_options;
#define JF_BRIDGE_DEFAULTS .break_digit = ""

typedef enum { JF_OTHER_HUNG_UP, JF_BROKEN, JF_BRIDGE_TIMEOUT, JF_UNBRIDGED, JF_BRIDGE_OTHER } jf_bridge_end;

// jf_bridge(call, alice.call); `end` may be NULL in jf_bridge_with.
#define jf_bridge(call, other, ...)                                                                                    \
    jf_bridge_with(call, other, NULL, &(jf_bridge_options){JF_BRIDGE_DEFAULTS, __VA_ARGS__})
bool jf_bridge_with(jf_call call, jf_call other, jf_bridge_end *end, const jf_bridge_options *options);

// Who calls whom; the strings stay.
typedef struct {
    const char *id, *caller, *caller_name, *callee, *trunk;
    uint64_t started_at;
} jf_call_info;
jf_call_info jf_info(jf_call call);
// An argument that the route gave; NULL: there is none.
const char *jf_argument(jf_call call, const char *name);

// Behind the calls

// A setting by its path, such as "menus.accueil.response-timeout": strings as they are, all else as JSON. NULL: there
// is none.
const char *jf_setting(const char *path);
// A setting that is a time, such as "10s".
uint32_t jf_setting_time(const char *path, uint32_t otherwise);

typedef enum { JF_LOG_TRACE, JF_LOG_DEBUG, JF_LOG_INFO, JF_LOG_WARN, JF_LOG_ERROR } jf_level;
// As printf.
void jf_log(jf_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

void jf_sleep(uint32_t milliseconds);
// Unix time in milliseconds.
uint64_t jf_now(void);
uint64_t jf_random(void);

// The plugin's store. `value` of jf_kv_get is NULL where there is none.
bool jf_kv_get(const char *key, char **value);
bool jf_kv_set(const char *key, const char *value);
bool jf_kv_add(const char *key, int64_t delta, int64_t *sum);
bool jf_kv_delete(const char *key);

#endif
