// What an instance can wait for besides its verbs, and messages to others.

import * as rawBus from "jackfield:plugin/bus@0.1.0";
import * as rawEvents from "jackfield:plugin/events@0.1.0";
import * as timers from "jackfield:plugin/timers@0.1.0";
import { body, utf8 } from "./base.js";
import { ask } from "./errors.js";
import { argument, count, flag, options, text, time } from "./options.js";

/** An event as one object: { type, ... }. */
const EVENTS = {
    digit: ([call, digit]) => ({ call, digit }),
    done: ([call, operation, end]) => ({ call, operation, end: end.tag, detail: end.val ?? null }),
    answered: (call) => ({ call }),
    "hung-up": ([call, info]) => ({ call, ...info }),
    timer: (timer) => ({ timer }),
    message: ({ sender, topic, body, reply }) => ({ sender, topic, body: utf8.decode(body), reply }),
    "launch-ended": ({ info, results, ...rest }) => ({ ...rest, ...info, results: Object.fromEntries(results) }),
    "launch-ready": () => ({}),
    stop: (reason) => ({ reason }),
    other: ([name, value]) => ({ name, value }),
};

const address = (to) => (typeof to === "string" ? { tag: "plugin", val: to } : { tag: "call", val: to.call });

Object.assign(globalThis, {
    events: {
        /** The next event, or null when the time is over; without a time it waits until there is one. */
        next: (wait) => {
            const event = rawEvents.next(wait === undefined ? null : argument("events.next", "the time", time, wait));
            return event && { type: event.tag, ...EVENTS[event.tag](event.val) };
        },
        /** Fires as an event `timer`; returns its number. */
        timer: (after, given = {}) => {
            const { repeat } = options("events.timer", given, { repeat: [flag, false] });
            return timers.start(argument("events.timer", "the time", time, after), repeat);
        },
        cancel: (timer) => timers.cancel(argument("events.cancel", "the timer", count, timer)),
    },
    /** `to` is a plugin's name, or { call: id }. */
    bus: {
        send: (to, topic, message = "") => ask("bus.send", () => rawBus.send(address(to), argument("bus.send", "the topic", text, topic), body(message))),
        ask: (to, topic, message = "", given = {}) => {
            const { timeout } = options("bus.ask", given, { timeout: [time, 5000] });
            return utf8.decode(ask("bus.ask", () => rawBus.ask(address(to), argument("bus.ask", "the topic", text, topic), body(message), timeout)));
        },
        reply: (to, answer = "") => ask("bus.reply", () => rawBus.reply(to, { tag: "ok", val: body(answer) })),
    },
});
