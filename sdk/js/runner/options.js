// Options with types and defaults. A misspelt one is an error that names it and the nearest that there is.

/** What an option may be: its name for people, and the check that returns it as the host wants it. */
const kind = (name, take) => ({ name, take });

export const text = kind("a string", (value) => (typeof value === "string" ? value : undefined));
export const flag = kind("true or false", (value) => (typeof value === "boolean" ? value : undefined));
export const count = kind("a whole number", (value) => (Number.isInteger(value) && value >= 0 ? value : undefined));
export const digits = kind('digits, such as "1" or "0123456789*#"', (value) =>
    typeof value === "string" && /^[0-9*#A-D]*$/.test(value) ? value : undefined,
);
/** In milliseconds. */
export const time = kind('a time: seconds, or "500ms", "10s", "2m"', (value) => {
    if (typeof value === "number" && value >= 0) return Math.round(value * 1000);
    const parts = typeof value === "string" && /^([0-9]+(?:\.[0-9]+)?) ?(ms|s|m|h)$/.exec(value);
    return parts ? Math.round(parts[1] * { ms: 1, s: 1000, m: 60000, h: 3600000 }[parts[2]]) : undefined;
});
export const table = kind("an object of strings", (value) =>
    value !== null && typeof value === "object" && Object.values(value).every((entry) => typeof entry === "string")
        ? value
        : undefined,
);
export const anything = kind("anything", (value) => value);

/** One argument of a verb. */
export function argument(verb, name, type, value) {
    const taken = type.take(value);
    if (taken === undefined) throw new TypeError(`${verb}: ${name} is ${type.name}, not ${show(value)}`);
    return taken;
}

/** All options of a verb: `known` gives each a kind and its default, as the host wants it. */
export function options(verb, given, known) {
    if (given === null || typeof given !== "object" || Array.isArray(given)) {
        throw new TypeError(`${verb}: its options are an object, not ${show(given)}`);
    }
    const taken = {};
    for (const name in known) taken[name] = known[name][1];
    for (const name of Object.keys(given)) {
        if (!Object.hasOwn(known, name)) throw new TypeError(`${verb}: there is no option ${name}${near(name, Object.keys(known))}`);
        if (given[name] !== undefined) taken[name] = argument(verb, name, known[name][0], given[name]);
    }
    return taken;
}

/** "; did you mean max?" */
export function near(wrong, names) {
    const [best] = names.map((name) => [distance(wrong.toLowerCase(), name.toLowerCase()), name]).sort((a, b) => a[0] - b[0]);
    return best && best[0] <= 1 + best[1].length / 3 ? `; did you mean ${best[1]}?` : `; there are ${names.join(", ")}`;
}

function distance(a, b) {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
        const next = [i];
        for (let j = 1; j <= b.length; j++) {
            next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
        }
        row = next;
    }
    return row[b.length];
}

function show(value) {
    if (typeof value === "function") return "a function";
    const shown = JSON.stringify(value) ?? String(value);
    return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}
