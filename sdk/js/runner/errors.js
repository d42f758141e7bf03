// The error of every verb. A script that lets `hung-up` pass has ended as it should.

export class CallError extends Error {
    /** `payload` is the contract's: { tag, val }. */
    constructor(verb, payload) {
        const said = typeof payload.val === "string" ? payload.val : payload.val?.cause;
        super(`${verb}: ${payload.tag}${said ? `: ${said}` : ""}`);
        this.name = "CallError";
        /** "hung-up", "denied", "invalid", "not-found", "busy", "limit", "timeout", "unavailable" or "other". */
        this.kind = payload.tag;
        /** Of "hung-up": { cause, code, byPeer }. */
        this.info = payload.tag === "hung-up" ? payload.val : null;
        this.payload = payload;
    }
}

/** Calls the host; its error becomes a CallError. */
export function ask(verb, call) {
    try {
        return call();
    } catch (error) {
        throw error?.payload?.tag ? new CallError(verb, error.payload) : error;
    }
}
