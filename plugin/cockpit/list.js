/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All VMs: those that are connected, live, and those that the agent knows and has not got, with the reason. */
import { NAME, ROOT, explain } from "./agent.js";
import { el, keyed, setText, table } from "./dom.js";
import { Screen } from "./screen.js";

/* Of pictures, and of VMs that are not connected, which no signal tells of. */
const PERIOD_SECONDS = 10;
const THUMBNAIL = { resizeWidth: 256, resizeQuality: "high" };

export function showState(node, vm) {
    const state = vm.Kind === "storage-daemon" ? "no guest" : vm.Status;
    setText(node, state);
    node.dataset.state = state;
}

const users = new Map(); /* uid → a promise of their line in the system's database */

/* The user's name, once it is known. */
export function showUser(uid) {
    const node = el("span", {}, String(uid));
    if (!users.has(uid))
        users.set(uid, cockpit.spawn(["getent", "passwd", String(uid)], { err: "ignore" }));
    users.get(uid).then(line => setText(node, line.split(":")[0]), () => {});
    return node;
}

class Row {
    constructor(agent, vm, makeRow, link) {
        Object.assign(this, { agent, vm });
        const machine = vm.Kind === "machine";
        this.screen = machine ? new Screen(agent, vm, PERIOD_SECONDS, THUMBNAIL) : null;
        this.state = el("span", { class: "state" });
        this.jobs = el("span", { class: "note" });
        const guest = vm.GuestName && vm.GuestName !== vm.Name ? el("div", { class: "note" }, vm.GuestName) : "";
        const kind = machine ? `machine, ${vm.Target}` : "storage daemon";
        this.node = makeRow(this.screen?.node ?? "", el("div", {}, el("a", { href: link }, vm.Name), guest),
                            el("div", {}, this.state, " ", this.jobs), kind, showUser(vm.OwnerUID), vm.QEMUVersion);
        this.node.dataset.vm = vm.path;
    }

    update() {
        showState(this.state, this.vm);
        const jobs = Object.keys(this.agent.jobs).filter(path => path.startsWith(`${this.vm.path}/job/`)).length;
        setText(this.jobs, jobs ? `${jobs} ${jobs === 1 ? "job" : "jobs"}` : "");
        this.screen?.plan();
    }

    close() {
        this.screen?.close();
    }
}

function emptyFace(system) {
    const directory = system ? "/run/qemu-monitor" : "$XDG_RUNTIME_DIR/qemu-monitor";
    return el("section", { class: "face", id: "empty" }, el("h1", {}, "No virtual machine yet"),
              el("p", {}, "A QEMU appears here by itself when its monitor is a socket in the agent's directory. Start it with"),
              el("pre", {}, `-qmp unix:${directory}/NAME.sock,server=on,wait=off`),
              system ? el("p", {}, "The user who runs it must be in the group qemu-monitor.") : "",
              el("p", {}, "Or let in one that runs, by the address of a monitor that it has:"),
              el("pre", {}, `qemu-monitorctl ${system ? "" : "--user "}add NAME unix:PATH`));
}

export class ListView {
    constructor(agent, linkTo) {
        Object.assign(this, { agent, linkTo, rows: new Map(), away: null });
        this.table = table("Virtual machines", ["Screen", "Name", "State", "Kind", "Owner", "QEMU"]);
        this.awayTable = table("Out of reach", ["Name", "State", "Why", "Address"]);
        this.awayCard = el("section", {}, el("h2", {}, "Out of reach"), this.awayTable.node);
        this.empty = emptyFace(agent.bus === "system");
        this.card = el("section", {}, el("h1", {}, "Virtual machines"), this.table.node);
        this.node = el("div", {}, this.card, this.empty, this.awayCard);
        this.timer = window.setInterval(() => cockpit.hidden || this.askAway(), PERIOD_SECONDS * 1000);
        this.askAway();
    }

    askAway() {
        const cell = (vm, key, otherwise) => String(vm[key]?.v || otherwise || "");
        this.agent.call(ROOT, `${NAME}.Manager`, "ListVMs", "", []).then(([vms]) => {
            this.away = vms.filter(vm => vm.state?.v !== "connected").map(vm => this.awayTable.row(
                cell(vm, "name", "(none yet)"), cell(vm, "state"), cell(vm, "error", "(told to root and its owner)"), cell(vm, "address")));
            this.awayTable.body.replaceChildren(...this.away);
            this.agent.onChange();
        }, error => console.warn(explain(error)));
    }

    update() {
        const vms = Object.values(this.agent.vms).filter(vm => vm.valid).sort((a, b) => a.Name.localeCompare(b.Name));
        const before = this.rows;
        this.rows = keyed(this.table.body, before, vms.map(vm => vm.path),
                          path => new Row(this.agent, this.agent.vms[path], this.table.row, this.linkTo(path)));
        if (before.size !== this.rows.size || vms.some(vm => !before.has(vm.path)))
            this.askAway();
        this.card.hidden = !vms.length;
        this.awayCard.hidden = !this.away?.length;
        this.empty.hidden = vms.length > 0 || this.away?.length !== 0;
    }

    close() {
        window.clearInterval(this.timer);
        this.rows.forEach(row => row.close());
    }
}
