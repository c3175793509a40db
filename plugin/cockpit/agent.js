/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The agent on one bus: whether it is there, could be started, or went; and its VMs and jobs, as proxies that the agent's signals
 * keep true after one GetManagedObjects. */

export const NAME = "org.qemu.Monitor1";
export const ROOT = "/org/qemu/Monitor1";
const DBUS = "org.freedesktop.DBus";
const DBUS_PATH = "/org/freedesktop/DBus";

/* `state`: `looking`; `absent` (the bus can start no agent); `idle` (it could); `starting`; `failed` (it did not start); `here`;
 * `gone` (it has stopped); `lost` (no bus, or no connection to it). `text` says why. onChange() comes after each change, of VMs
 * and jobs too. */
export class Agent {
    constructor(bus, onChange) {
        Object.assign(this, { bus, onChange, wanted: false, opened: 0 });
        this.look();
    }

    set(state, text = "") {
        Object.assign(this, { state, text });
        this.onChange();
    }

    /* A connection whose end is told, unless another has taken its place. */
    connect(role, name, options) {
        const client = this[role] = cockpit.dbus(name, { bus: this.bus, ...options });
        client.addEventListener("close", (event, how) => {
            if (client === this[role]) {
                this.forget();
                this.set("lost", cockpit.message(how));
            }
        });
        return client;
    }

    /* Looks at the bus anew, by a new connection. */
    async look() {
        const old = this.daemon;
        this.forget();
        this.set("looking");
        const daemon = this.connect("daemon", DBUS);
        old?.close();
        daemon.subscribe({ path: DBUS_PATH, interface: DBUS, member: "NameOwnerChanged", arg0: NAME }, (path, iface, member, names) => {
            this.forget();
            if (names[2])
                this.open();
            else if (this.state !== "starting")
                this.set("gone");
        });
        try {
            const [names] = await daemon.call(DBUS_PATH, DBUS, "ListActivatableNames", [], { type: "" });
            const [owned] = await daemon.call(DBUS_PATH, DBUS, "NameHasOwner", [NAME], { type: "s" });
            if (owned && !this.client)
                this.open();
            else if (!this.client)
                this.set(names.includes(NAME) ? "idle" : "absent");
        } catch {
            /* The connection has ended, which it tells itself. */
        }
    }

    /* Somebody looks at this agent; the one of the other bus is not started. */
    want() {
        if (this.state !== "idle")
            return;
        this.set("starting");
        this.daemon.call(DBUS_PATH, DBUS, "StartServiceByName", [NAME, 0], { type: "su" }).catch(
            error => this.state === "starting" && this.set("failed", error.message));
    }

    open() {
        this.forget();
        this.opened++;
        this.set("looking");
        const client = this.connect("client", NAME, this.bus === "system" ? { superuser: "try" } : {});
        this.vms = client.proxies(`${NAME}.VM`, ROOT);
        this.jobs = client.proxies(`${NAME}.Job`, ROOT);
        for (const change of ["added", "changed", "removed"])
            [this.vms, this.jobs].forEach(proxies => proxies.addEventListener(change, () => client === this.client && this.onChange()));
        Promise.all([this.vms.wait(), this.jobs.wait()]).then(() => client === this.client && this.set("here"), () => {});
    }

    forget() {
        const { client } = this;
        this.client = this.vms = this.jobs = null;
        client?.close();
    }

    /* A call; only one that a person has asked for by a button (`asked`) may have polkit ask for a password. */
    async call(path, iface, method, type, args, asked) {
        if (!this.client)
            throw new Error("The agent is not there");
        return this.client.call(path, iface, method, args, { type, flags: asked ? "i" : "" });
    }

    /* The result of a QMP command, as JSON text, which keeps every number exact. */
    json(path, command, args, asked) {
        return this.call(path, `${NAME}.VM`, "ExecuteJSON", "ss", [command, args], asked).then(([text]) => text);
    }
}

/* The last part of an object's path, as it was before it was escaped. */
export const unescapePath = path => decodeURIComponent(path.split("/").pop().replace(/_([0-9a-f]{2})/g, "%$1"));

/* What came of a call, for people, and how to get the right to it. */
export function explain(error) {
    const kind = error.name?.split(".").pop();
    if (kind === "NotAuthorized" || kind === "InteractiveAuthorizationRequired")
        return `${error.message} (Administrative access, at the top of Cockpit, may help.)`;
    return (kind ? `${kind}: ` : "") + (error.message || error);
}
