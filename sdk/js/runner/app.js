// Runs a script that handles calls.

import "./events.js";
import { Call, originate } from "./call.js";
import { Clip } from "./prompts.js";
import { load, pluginInfo as info, run } from "./script.js";

Object.assign(globalThis, { Clip, originate });

export const app = {
    handle(call) {
        run(() => load("handle").handle(new Call(call)));
    },
};
export const pluginInfo = info("handle");
