// One leg of a call.

import { originate as rawOriginate } from "jackfield:plugin/call-control@0.1.0";
import { ask } from "./errors.js";
import { argument, count, digits, flag, options, table, text, time } from "./options.js";
import { heard, prompts, speech } from "./prompts.js";

const ANY_DIGIT = "0123456789*#ABCD";

const PLAY = { interrupt: [digits, ""], repeat: [count, 1], early: [flag, false] };
const GATHER = {
    bargeIn: [flag, true],
    min: [count, 1],
    max: [count, 1],
    finish: [digits, ""],
    firstTimeout: [time, 5000],
    interTimeout: [time, 3000],
    flush: [flag, false],
};
const RECORD = {
    name: [text, ""],
    max: [time, 60000],
    silence: [time, 0],
    finish: [digits, ANY_DIGIT],
    beep: [flag, false],
    both: [flag, false],
};
const DIAL = {
    timeout: [time, 30000],
    caller: [text, null],
    callerName: [text, null],
    headers: [table, {}],
    ringback: [text, null],
};
const BRIDGE = { max: [time, 0], breakDigit: [digits, ""] };

export class Call {
    #raw;

    constructor(raw) {
        this.#raw = raw;
    }
    get id() {
        return this.#raw.id();
    }
    /** { id, direction, caller, callerName, callee, trunk, startedAt, headers, args }; the last two are objects. */
    get info() {
        const info = this.#raw.info();
        const headers = Object.fromEntries(info.headers.map(({ name, value }) => [name, value]));
        return { ...info, headers, args: Object.fromEntries(info.args) };
    }
    get state() {
        return this.#raw.state();
    }

    answer() {
        ask("answer", () => this.#raw.answer());
    }
    ring() {
        ask("ring", () => this.#raw.ring());
    }
    reject(code = 603) {
        argument("reject", "the code", count, code);
        ask("reject", () => this.#raw.reject(code));
    }
    hangup(reason = "") {
        argument("hangup", "the reason", text, reason);
        ask("hangup", () => this.#raw.hangup(reason));
    }

    /** Speaks, to the end or to a digit of `interrupt`. */
    say(what, given = {}) {
        return this.#play("say", [{ tag: "say", val: speech("say", what) }], given);
    }
    /** Plays files, texts, tones. */
    play(what, given = {}) {
        return this.#play("play", prompts("play", what), given);
    }
    #play(verb, list, given) {
        const taken = options(verb, given, PLAY);
        return playEnd(ask(verb, () => this.#raw.play(list, taken)));
    }
    /** Collects digits, with prompts that the first of them stops: { digits, endedBy }. */
    gather(given = {}) {
        const rest = {};
        const list = heard("gather", given, (name, value) => {
            if (name === "prompts") return;
            rest[name] = value;
        });
        if (given.prompts !== undefined) list.unshift(...prompts("gather", given.prompts));
        const taken = options("gather", rest, GATHER);
        return ask("gather", () => this.#raw.gather({ prompts: list, ...taken }));
    }
    /** Records what this leg says: { name, length, digit }; the length is in seconds. */
    record(given = {}) {
        const taken = options("record", given, RECORD);
        const made = ask("record", () => this.#raw.record(taken));
        return { ...made, length: made.length / 1000 };
    }
    sendDigits(keys) {
        argument("sendDigits", "what it sends", digits, keys);
        ask("sendDigits", () => this.#raw.sendDigits(keys));
    }
    hold(music = "") {
        argument("hold", "the music", text, music);
        ask("hold", () => this.#raw.hold(music));
    }
    unhold() {
        ask("unhold", () => this.#raw.unhold());
    }

    /** Begin and return at once, with a number for `stop` and for the event `done`. */
    startPlay(what, given = {}) {
        const [list, taken] = [prompts("startPlay", what), options("startPlay", given, PLAY)];
        return ask("startPlay", () => this.#raw.startPlay(list, taken));
    }
    startRecord(given = {}) {
        const taken = options("startRecord", given, RECORD);
        return ask("startRecord", () => this.#raw.startRecord(taken));
    }
    startBridge(other, given = {}) {
        const [leg, taken] = [Call.#leg("startBridge", other), options("startBridge", given, BRIDGE)];
        return ask("startBridge", () => this.#raw.startBridge(leg, taken));
    }
    stop(operation) {
        argument("stop", "the operation", count, operation);
        ask("stop", () => this.#raw.stop(operation));
    }

    /** Rings one target, or a list of which the first to answer wins: { call }, or { call: null, cause, code }. */
    dial(targets, given = {}) {
        const taken = dialled("dial", targets, given);
        return dialEnd(ask("dial", () => this.#raw.dial(taken)));
    }
    /** Returns the leg while it still rings. */
    startDial(targets, given = {}) {
        const taken = dialled("startDial", targets, given);
        return new Call(ask("startDial", () => this.#raw.startDial(taken)));
    }
    /** Joins two legs until one leaves: { end, cause, digit }. */
    bridge(other, given = {}) {
        const [leg, taken] = [Call.#leg("bridge", other), options("bridge", given, BRIDGE)];
        const { tag, val } = ask("bridge", () => this.#raw.bridge(leg, taken));
        return { end: tag, cause: val?.cause ?? null, digit: tag === "digit" ? val : null };
    }
    transfer(target) {
        argument("transfer", "the target", text, target);
        ask("transfer", () => this.#raw.transfer(target));
    }
    /** Notes something in the call record. */
    setResult(key, value) {
        argument("setResult", "the key", text, key);
        ask("setResult", () => this.#raw.setResult(key, String(value)));
    }

    static #leg(verb, other) {
        if (!(other instanceof Call)) throw new TypeError(`${verb}: the other leg is a call, as dial returns it`);
        return other.#raw;
    }
}

/** A new leg that belongs to nobody's call. */
export function originate(targets, given = {}) {
    const taken = dialled("originate", targets, given);
    return dialEnd(ask("originate", () => rawOriginate(taken)));
}

function dialled(verb, targets, given) {
    const list = (Array.isArray(targets) ? targets : [targets]).map((target) => argument(verb, "the target", text, target));
    const taken = options(verb, given, DIAL);
    const headers = Object.entries(taken.headers).map(([name, value]) => ({ name, value }));
    return { ...taken, targets: list, headers };
}

function dialEnd({ tag, val }) {
    return tag === "answered" ? { call: new Call(val), cause: null, code: 0 } : { call: null, cause: val.cause, code: val.code };
}

function playEnd({ tag, val }) {
    return { end: tag, digit: tag === "interrupted" ? val : null };
}
