// What a script finds, all of it global. For editors: nothing of this is loaded.

/** Seconds, or "500ms", "10s", "2m" as in plugin.toml. */
type Time = number | string;
type OneOrMore<T> = T | T[];
type Speech = string | { text: string; lang?: string; voice?: string; ssml?: boolean };
type Prompt =
    /** A file below the plugin's prompts, or "shared:NAME". */
    | string
    | Clip
    | {
          say?: OneOrMore<Speech>;
          file?: OneOrMore<string>;
          clip?: OneOrMore<Clip>;
          /** "ringback", "busy", "congestion", "beep", or pairs like "425/400,0/200". */
          tone?: OneOrMore<string>;
          digits?: OneOrMore<string>;
          silence?: OneOrMore<Time>;
      };
type Cause =
    | "normal" | "busy" | "no-answer" | "rejected" | "cancelled" | "not-found" | "unavailable" | "answered-elsewhere"
    | "transferred" | "media-timeout" | "network" | "shutdown" | "other";

interface PlayOptions {
    /** Digits that stop it; they stay for the next `gather`. */
    interrupt?: string;
    /** 1; 0 means until stopped. */
    repeat?: number;
    /** Before the answer. */
    early?: boolean;
}
/** The prompts are heard in the order in which they are written. */
interface GatherOptions {
    prompts?: OneOrMore<Prompt>;
    say?: OneOrMore<Speech>;
    file?: OneOrMore<string>;
    clip?: OneOrMore<Clip>;
    tone?: OneOrMore<string>;
    digits?: OneOrMore<string>;
    silence?: OneOrMore<Time>;
    /** true: the first digit stops the prompts. */
    bargeIn?: boolean;
    /** 1 */
    min?: number;
    /** 1 */
    max?: number;
    /** Ends the input, and is not part of it. */
    finish?: string;
    /** 5 s, after the prompts. */
    firstTimeout?: Time;
    /** 3 s */
    interTimeout?: Time;
    /** Forget what was typed before. */
    flush?: boolean;
}
interface RecordOptions {
    name?: string;
    /** 60 s */
    max?: Time;
    /** Ends after this much silence; 0: never. */
    silence?: Time;
    /** Any digit. */
    finish?: string;
    beep?: boolean;
    both?: boolean;
}
interface DialOptions {
    /** 30 s */
    timeout?: Time;
    caller?: string;
    callerName?: string;
    headers?: Record<string, string>;
    ringback?: string;
}
interface BridgeOptions {
    /** 0: no limit. */
    max?: Time;
    /** Ends the bridge, and keeps both legs. */
    breakDigit?: string;
}
interface CallInfo {
    id: string;
    direction: "inbound" | "outbound";
    caller: string;
    callerName: string;
    callee: string;
    trunk: string;
    /** Unix time in milliseconds. */
    startedAt: number;
    headers: Record<string, string>;
    args: Record<string, string>;
}
type Dialled = { call: Call; cause: null; code: 0 } | { call: null; cause: Cause; code: number };

/** One leg. Losing the object does not hang up: the legs of a script end when its function returns. */
declare class Call {
    readonly id: string;
    readonly info: CallInfo;
    readonly state: "ringing" | "early" | "up" | "held" | "bridged" | "ended" | "other";
    answer(): void;
    ring(): void;
    reject(code?: number): void;
    hangup(reason?: string): void;
    say(what: Speech, options?: PlayOptions): { end: string; digit: string | null };
    play(what: OneOrMore<Prompt>, options?: PlayOptions): { end: string; digit: string | null };
    gather(options?: GatherOptions): {
        digits: string;
        endedBy: "max-reached" | "finish-digit" | "first-timeout" | "inter-timeout" | "other";
    };
    record(options?: RecordOptions): { name: string; length: number; digit: string | null };
    sendDigits(digits: string): void;
    hold(music?: string): void;
    unhold(): void;
    startPlay(what: OneOrMore<Prompt>, options?: PlayOptions): number;
    startRecord(options?: RecordOptions): number;
    startBridge(other: Call, options?: BridgeOptions): number;
    stop(operation: number): void;
    dial(targets: OneOrMore<string>, options?: DialOptions): Dialled;
    startDial(targets: OneOrMore<string>, options?: DialOptions): Call;
    bridge(other: Call, options?: BridgeOptions): { end: string; cause: Cause | null; digit: string | null };
    transfer(target: string): void;
    /** Notes something in the call record. */
    setResult(key: string, value: unknown): void;
}
declare function originate(targets: OneOrMore<string>, options?: DialOptions): Dialled;

/** Audio made ready in the host, so that playing it starts at once. */
declare class Clip {
    static open(file: string): Clip;
    static say(what: Speech): Clip;
    /** Seconds. */
    readonly length: number;
}

/** What a verb throws. "hung-up" may pass: it is the normal end of a call. */
declare class CallError extends Error {
    kind: "hung-up" | "denied" | "invalid" | "not-found" | "busy" | "limit" | "timeout" | "unavailable" | "other";
    info: { cause: Cause; code: number; byPeer: boolean } | null;
}

/** `[config]` of plugin.toml, after the operator's. */
declare const settings: any;
declare const log: Record<"debug" | "info" | "warn" | "error", (...parts: unknown[]) => void>;
declare const console: Record<"log" | "trace" | "debug" | "info" | "warn" | "error", (...parts: unknown[]) => void>;
declare const kv: {
    get(key: string): string | null;
    bytes(key: string): Uint8Array | null;
    set(key: string, value: string | number | Uint8Array, options?: { ttl?: Time }): void;
    delete(key: string): boolean;
    /** Counts; a key that is missing is 0. */
    add(key: string, delta?: number): number;
    keys(prefix?: string, options?: { after?: string; limit?: number }): string[];
};
declare function fetch(
    url: string,
    options?: { method?: string; headers?: Record<string, string>; body?: string | Uint8Array; timeout?: Time },
): { status: number; ok: boolean; headers: Record<string, string>; bytes: Uint8Array; text: string; json: any };
declare function sleep(time: Time): void;
declare function localTime(
    zone: string,
    at?: number,
): { year: number; month: number; day: number; hour: number; minute: number; second: number; weekday: number };
declare const events: {
    /** The next event, or null when the time is over. */
    next(timeout?: Time): ({ type: string } & Record<string, any>) | null;
    timer(after: Time, options?: { repeat?: boolean }): number;
    cancel(timer: number): void;
};
/** `to` is a plugin's name, or { call: id }. */
declare const bus: {
    send(to: string | { call: string }, topic: string, message?: string): void;
    ask(to: string | { call: string }, topic: string, message?: string, options?: { timeout?: Time }): string;
    reply(to: number, answer?: string): void;
};

/** In services: `run(saved)` instead of `handle(call)`; it waits in `events.next`, and returns what the next version gets. */
declare const dialer: {
    launch(
        target: string,
        app: string,
        options?: { args?: Record<string, string>; caller?: string; callerName?: string; ringTimeout?: Time; contact?: number },
    ): number;
    cancel(launch: number): void;
    slots(): { underWay: number; free: number };
};
declare const contacts: {
    due(campaign: string, limit?: number, now?: number): {
        id: number; number: string; fields: Record<string, string>; attempts: number; lastStart: number | null; due: number;
    }[];
    nextDue(campaign: string): number | null;
    postpone(contact: number, until: number): void;
    finish(contact: number, outcome: string): void;
};
/** In speech providers: `voices()` and `synthesize(speech, out)`, with `out.format(rate)` and `out.write(pcm)`. */
declare function helper(name: string, args?: unknown[], options?: { input?: string | Uint8Array; timeout?: Time }): Uint8Array;
