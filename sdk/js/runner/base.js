// What every script finds, whatever its kind: all of it is global.

import * as config from "jackfield:plugin/config@0.1.0";
import * as rawHttp from "jackfield:plugin/http@0.1.0";
import * as rawKv from "jackfield:plugin/kv@0.1.0";
import * as rawLog from "jackfield:plugin/log@0.1.0";
import * as random from "jackfield:plugin/random@0.1.0";
import * as timers from "jackfield:plugin/timers@0.1.0";
import { ask, CallError } from "./errors.js";
import { anything, argument, count, options, table, text, time } from "./options.js";

const line = (parts) => parts.map((part) => (typeof part === "string" ? part : show(part))).join(" ");

function show(value) {
    if (value instanceof Error) return `${value}`;
    try {
        return JSON.stringify(value) ?? String(value);
    } catch {
        return String(value);
    }
}

const level = (name) => (...parts) => rawLog.log(name, line(parts), []);
export const log = { debug: level("debug"), info: level("info"), warn: level("warn"), error: level("error") };

export const utf8 = {
    encode: (value) => Uint8Array.from(unescape(encodeURIComponent(value)), (char) => char.charCodeAt(0)),
    decode: (bytes) => {
        let chars = "";
        for (const byte of bytes) chars += String.fromCharCode(byte);
        return decodeURIComponent(escape(chars));
    },
};
export const body = (value) => (typeof value === "string" ? utf8.encode(value) : Uint8Array.from(value));

const key = (verb, name) => argument(verb, "the key", text, name);

/** One store for each plugin, kept on disk. Values are text; `bytes` are what they are. */
const kv = {
    get: (name) => {
        const value = kv.bytes(name);
        return value === null ? null : utf8.decode(value);
    },
    bytes: (name) => ask("kv.get", () => rawKv.get(key("kv.get", name))),
    set: (name, value, given = {}) => {
        const { ttl } = options("kv.set", given, { ttl: [time, null] });
        ask("kv.set", () => rawKv.set(key("kv.set", name), body(typeof value === "number" ? String(value) : value), ttl));
    },
    delete: (name) => ask("kv.delete", () => rawKv.delete(key("kv.delete", name))),
    /** Counts; a key that is missing is 0. */
    add: (name, delta = 1) => ask("kv.add", () => rawKv.add(key("kv.add", name), delta)),
    keys: (prefix = "", given = {}) => {
        const { after, limit } = options("kv.keys", given, { after: [text, ""], limit: [count, 1000] });
        return ask("kv.keys", () => rawKv.keys(prefix, after, limit));
    },
};

const FETCH = { method: [text, "GET"], headers: [table, {}], body: [anything, ""], timeout: [time, 10000] };

/** HTTP, to the hosts that are granted: { status, ok, headers, text, json }. */
function fetch(url, given = {}) {
    const taken = options("fetch", given, FETCH);
    const headers = Object.entries(taken.headers).map(([name, value]) => ({ name, value }));
    const request = { url: argument("fetch", "the address", text, url), method: taken.method, headers, body: body(taken.body), timeout: taken.timeout };
    const response = ask("fetch", () => rawHttp.fetch(request));
    return {
        status: response.status,
        ok: response.status >= 200 && response.status < 300,
        headers: Object.fromEntries(response.headers.map(({ name, value }) => [name.toLowerCase(), value])),
        bytes: response.body,
        get text() {
            return utf8.decode(response.body);
        },
        get json() {
            return JSON.parse(utf8.decode(response.body));
        },
    };
}

Object.assign(globalThis, {
    log,
    console: { ...log, log: log.info, trace: log.debug },
    kv,
    fetch,
    CallError,
    /** Seconds, or "500ms". */
    sleep: (wait) => timers.sleep(argument("sleep", "the time", time, wait)),
    /** { year, month, day, hour, minute, second, weekday }, 1 is Monday; `at` is in Unix milliseconds. */
    localTime: (zone, at = Date.now()) => {
        const local = timers.local(at, argument("localTime", "the zone", text, zone));
        if (!local) throw new TypeError(`localTime: there is no zone ${zone}`);
        return local;
    },
});
// The engine's own generator was seeded when the runner was built.
Math.random = () => (random.next() / 2 ** 64) % 1;

/** The settings are there from the first line of a script on. */
export function begin() {
    globalThis.settings = JSON.parse(config.all());
}
