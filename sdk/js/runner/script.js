// The script: read from the host, run in strict mode, and its errors told with file, line and column.

import * as config from "jackfield:plugin/config@0.1.0";
import { begin, log } from "./base.js";
import { CallError } from "./errors.js";

const STRICT = '"use strict";';
/** What the engine calls a text that was evaluated. */
const FILE = "<input>";

let name = "script.js";

/** The functions of these names that the script has. */
export function load(...functions) {
    name = config.get("jackfield:script-name");
    begin();
    const script = plain(config.get("jackfield:script"));
    const found = functions.map((one) => `${one}: typeof ${one} === "function" ? ${one} : null`);
    return (0, eval)(`${STRICT}${script}\n;({${found}})`);
}

/** `export` is allowed, so that editors and linters know a module; blanks in its place keep all columns. */
function plain(script) {
    const imported = /^import\b/m.exec(script);
    if (imported) {
        const line = script.slice(0, imported.index).split("\n").length;
        throw new Told(`${name}:${line}:1: a script is one file and imports nothing; what the exchange offers is global`);
    }
    const exported = /^export(\s+default)?\s+(?=(async\s+)?function\b|class\b|const\b|let\b)/gm;
    return script.replace(exported, (found) => found.replace(/[^\n]/g, " "));
}

/** An error that says its place itself. */
class Told extends Error {}

/** "menu.js:3:11: SyntaxError: ...". */
export function told(error) {
    if (error instanceof Told) return error.message;
    const place = places(error)[0];
    return `${place ?? name}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
}

/** Where the script was, the innermost place first. */
function places(error) {
    const found = [...String(error?.stack ?? "").matchAll(/<input>:(\d+):(\d+)/g)];
    return found.map(([, line, column]) => `${name}:${line}:${line === "1" ? Math.max(1, column - STRICT.length) : column}`);
}

/** Runs the script's function; what it throws becomes an error of the contract. */
export function run(call) {
    try {
        const result = call();
        if (typeof result?.then === "function") {
            throw new Told(`${name}: an async function: every verb waits by itself, so write a plain function`);
        }
        return result;
    } catch (error) {
        if (error instanceof CallError && error.kind === "hung-up") throw error.payload;
        const outer = places(error).slice(1, 8);
        log.error([told(error), ...outer.map((place) => `  called from ${place}`)].join("\n"));
        throw { tag: "other", val: told(error) };
    }
}

/** The host's check: the script is read, and may look at its settings. */
export const pluginInfo = (main) => ({
    validate() {
        let script;
        try {
            script = load(main, "validate");
            if (!script[main]) throw new Told(`${name}: there is no function ${main}`);
        } catch (error) {
            throw [{ path: ["jackfield:script"], text: told(error), help: "" }];
        }
        const findings = checked(script.validate);
        if (findings.length > 0) throw findings;
        return { name, version: "" };
    },
});

/** What `validate` finds: nothing, a sentence, or a list of sentences and { path, text, help }. */
function checked(validate) {
    if (!validate) return [];
    let found;
    try {
        found = validate(globalThis.settings) ?? [];
    } catch (error) {
        return [{ path: ["jackfield:script"], text: told(error), help: "" }];
    }
    return (Array.isArray(found) ? found : [found]).map((one) => {
        const { path = [], text = String(one), help = "" } = typeof one === "object" ? one : {};
        const keys = Array.isArray(path) ? path : String(path).split(".");
        return { path: keys.map(String), text: String(text), help: String(help) };
    });
}
