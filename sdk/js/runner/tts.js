// Runs a script that makes speech.

import * as rawHelper from "jackfield:plugin/helper@0.1.0";
import { body } from "./base.js";
import { ask } from "./errors.js";
import { argument, count, options, text, time } from "./options.js";
import { load, pluginInfo as info, run } from "./script.js";

Object.assign(globalThis, {
    /** Runs a program of the operator's configuration; returns the bytes that it prints. */
    helper: (name, args = [], given = {}) => {
        const taken = options("helper", given, { input: [{ name: "text or bytes", take: body }, new Uint8Array()], timeout: [time, 10000] });
        return ask("helper", () => rawHelper.run(argument("helper", "the name", text, name), args.map(String), taken.input, taken.timeout));
    },
});

/** Where the audio goes: 16-bit little-endian mono. */
class Sink {
    #raw;
    constructor(raw) {
        this.#raw = raw;
    }
    format(rate) {
        ask("format", () => this.#raw.format(argument("format", "the rate", count, rate)));
    }
    write(pcm) {
        ask("write", () => this.#raw.write(pcm));
    }
}

export const tts = {
    voices: () => run(() => load("voices").voices?.() ?? []),
    synthesize: (speech, out) => void run(() => load("synthesize").synthesize(speech, new Sink(out))),
};
export const pluginInfo = info("synthesize");
