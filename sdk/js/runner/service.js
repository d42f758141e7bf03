// Runs a script that is a service: one instance for as long as the exchange runs.

import * as rawContacts from "jackfield:plugin/contacts@0.1.0";
import * as rawDialer from "jackfield:plugin/dialer@0.1.0";
import "./events.js";
import { body, utf8 } from "./base.js";
import { ask } from "./errors.js";
import { argument, count, options, table, text, time } from "./options.js";
import { load, pluginInfo as info, run } from "./script.js";

const LAUNCH = {
    args: [table, {}],
    caller: [text, null],
    callerName: [text, null],
    ringTimeout: [time, 30000],
    contact: [count, null],
};

Object.assign(globalThis, {
    dialer: {
        /** Places a call that the plugin `app` gets once it is answered; returns its number, as in `launch-ended`. */
        launch: (target, app, given = {}) => {
            const taken = options("dialer.launch", given, LAUNCH);
            const [to, by] = [argument("dialer.launch", "the target", text, target), argument("dialer.launch", "the plugin", text, app)];
            return ask("dialer.launch", () => rawDialer.launch({ ...taken, target: to, app: by, args: Object.entries(taken.args) }));
        },
        cancel: (launch) => ask("dialer.cancel", () => rawDialer.cancel(argument("dialer.cancel", "the launch", count, launch))),
        /** { underWay, free } */
        slots: () => {
            const [underWay, free] = rawDialer.slots();
            return { underWay, free };
        },
    },
    contacts: {
        due: (campaign, limit = 100, now = Date.now()) =>
            ask("contacts.due", () => rawContacts.due(argument("contacts.due", "the campaign", text, campaign), now, limit)).map(
                (contact) => ({ ...contact, fields: Object.fromEntries(contact.fields) }),
            ),
        nextDue: (campaign) => ask("contacts.nextDue", () => rawContacts.nextDue(argument("contacts.nextDue", "the campaign", text, campaign))),
        postpone: (contact, until) => ask("contacts.postpone", () => rawContacts.postpone(argument("contacts.postpone", "the contact", count, contact), until)),
        finish: (contact, outcome) =>
            ask("contacts.finish", () => rawContacts.finish(argument("contacts.finish", "the contact", count, contact), argument("contacts.finish", "the outcome", text, outcome))),
    },
});

export const service = {
    run(saved) {
        const left = run(() => load("run").run(saved === null ? null : utf8.decode(saved)));
        return left === undefined || left === null ? null : body(left);
    },
};
export const pluginInfo = info("run");
