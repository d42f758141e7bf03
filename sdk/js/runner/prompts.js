// What is heard: texts, files, tones, silence, one after another.

import { Clip as RawClip } from "jackfield:plugin/call-control@0.1.0";
import { ask } from "./errors.js";
import { argument, digits, flag, near, options, text, time } from "./options.js";

const SPEECH = { text: [text, ""], lang: [text, ""], voice: [text, ""], ssml: [flag, false] };

/** A text as the host wants it: a string, or { text, lang, voice, ssml }. */
export function speech(verb, given) {
    const taken = options(verb, typeof given === "string" ? { text: given } : given, SPEECH);
    if (taken.text === "") throw new TypeError(`${verb}: there is no text to say`);
    return taken;
}

/** Audio made ready in the host, so that playing it starts at once. */
export class Clip {
    constructor(raw) {
        this.raw = raw;
    }
    static open(name) {
        return new Clip(ask("Clip.open", () => RawClip.open(argument("Clip.open", "the file", text, name))));
    }
    static say(what) {
        return new Clip(ask("Clip.say", () => RawClip.say(speech("Clip.say", what))));
    }
    /** Seconds. */
    get length() {
        return this.raw.length() / 1000;
    }
}

const ONE = {
    say: (verb, value) => ({ tag: "say", val: speech(verb, value) }),
    file: (verb, value) => ({ tag: "file", val: argument(verb, "file", text, value) }),
    tone: (verb, value) => ({ tag: "tone", val: argument(verb, "tone", text, value) }),
    digits: (verb, value) => ({ tag: "dtmf", val: argument(verb, "digits", digits, value) }),
    silence: (verb, value) => ({ tag: "silence", val: argument(verb, "silence", time, value) }),
    clip: (verb, value) => clip(verb, value),
};

function clip(verb, value) {
    if (!(value instanceof Clip)) throw new TypeError(`${verb}: clip is what Clip.open and Clip.say return`);
    return { tag: "clip", val: value.raw };
}

/** A file's name, a clip, { say: ... }, { file: ... } and so on, or a list of them. */
export function prompts(verb, given) {
    return (Array.isArray(given) ? given : [given]).flatMap((prompt) => {
        if (typeof prompt === "string") return [ONE.file(verb, prompt)];
        if (prompt instanceof Clip) return [clip(verb, prompt)];
        return heard(verb, prompt ?? {}, (name) => {
            throw new TypeError(`${verb}: there is no prompt ${name}${near(name, Object.keys(ONE))}`);
        });
    });
}

/** The prompts among the options of a verb, in the order in which they are written. */
export function heard(verb, given, other) {
    return Object.keys(given).flatMap((name) => {
        if (!Object.hasOwn(ONE, name)) {
            other(name, given[name]);
            return [];
        }
        const list = Array.isArray(given[name]) ? given[name] : [given[name]];
        return list.map((value) => ONE[name](verb, value));
    });
}
