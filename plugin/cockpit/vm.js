/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One VM: what it is, its buttons, its jobs, its events as they come, its disks and network devices, and any QMP command. */
import { NAME, explain } from "./agent.js";
import { Command } from "./command.js";
import { el, setText, table, time, withdraw } from "./dom.js";
import { Jobs, action } from "./jobs.js";
import { showState, showUser } from "./list.js";
import { Screen } from "./screen.js";

const MAX_EVENTS = 100; /* what somebody scrolls through; older ones go */
const MAX_EVENT = 2000; /* characters of one; QEMU's own have some 300, a hostile one's have megabytes */
const SCREEN_SECONDS = 3;
const BLOCK_EVENTS = /^(Block|Device|Job)/; /* after these the disks are looked at again */

/* A table that the page asks for quietly, and its button where polkit may ask somebody. */
class Devices {
    constructor(title, columns, load) {
        Object.assign(this, { load, table: table(title, columns) });
        this.table.node.hidden = true;
        this.note = el("p", { class: "note" });
        const button = action("Look again", () => this.refresh(true));
        this.node = el("section", { "aria-label": title }, el("h2", {}, title), this.table.node, this.note, button.node);
        this.refresh();
    }

    /* A crowd of events is one look; what was refused is not asked for again. */
    plan() {
        if (!this.refused)
            this.timer ??= window.setTimeout(() => this.refresh(), 1000);
    }

    async refresh(asked) {
        this.timer = null;
        try {
            const rows = await this.load(asked);
            this.table.body.replaceChildren(...rows.map(row => this.table.row(...row.map(cell => String(cell ?? "")))));
            setText(this.note, rows.length ? "" : "There is none.");
            this.refused = false;
        } catch (error) {
            this.refused = true;
            if (asked)
                throw error;
            setText(this.note, explain(error));
        }
        this.table.node.hidden = !this.table.body.childElementCount;
    }
}

/* A storage daemon has nodes alone. */
async function loadDisks(agent, vm, asked) {
    const machine = vm.Kind === "machine";
    const entries = JSON.parse(await agent.json(vm.path, machine ? "query-block" : "query-named-block-nodes", "", asked));
    return entries.map(entry => {
        const node = machine ? entry.inserted : entry;
        const status = (entry["io-status"] ?? "ok") !== "ok" && entry["io-status"];
        const notes = [status, node?.ro && "read-only", entry.removable && "removable", entry.tray_open && "tray open"];
        const qdev = entry.qdev?.replace(/^\/machine\/peripheral\/|\/virtio-backend$/g, "");
        return [entry.device || qdev, node?.["node-name"], node?.drv ?? "empty", node?.file, notes.filter(note => note).join(", ")];
    });
}

const findNics = devices => devices.flatMap(
    device => device.class_info.class === 0x200 ? [device] : findNics(device.pci_bridge?.devices ?? []));

/* QEMU has no command that lists network devices: those on PCI are known by their class, and virtio's tell their filters. */
async function loadNics(agent, vm, asked) {
    const hex = number => number.toString(16).padStart(4, "0");
    const buses = JSON.parse(await agent.json(vm.path, "query-pci", "", asked));
    const filters = JSON.parse(await agent.json(vm.path, "query-rx-filter", "", asked).catch(() => "[]"));
    const onPci = findNics(buses.flatMap(bus => bus.devices)).map(({ qdev_id: id, id: pci, bus, slot, function: number }) => {
        const model = pci.vendor === 0x1af4 ? "virtio-net" : `PCI ${hex(pci.vendor)}:${hex(pci.device)}`;
        return [id, model, `bus ${bus}, slot ${slot}.${number}`, filters.find(filter => filter.name === id)?.["main-mac"]];
    });
    const others = filters.filter(filter => !onPci.some(([id]) => id === filter.name));
    return [...onPci, ...others.map(filter => [filter.name, "", "", filter["main-mac"]])];
}

export class VmView {
    constructor(agent, path) {
        Object.assign(this, { agent, path, vm: agent.vms[path], name: agent.vms[path].Name, gone: false });
        const { vm } = this;
        const machine = vm.Kind === "machine";
        this.state = el("span", { class: "state" });
        this.goneText = el("div", { role: "alert" });
        this.screenText = el("p", { class: "note" });
        this.screenButton = action("Show the screen", async () => this.screen.plan(true));
        this.screen = machine ? new Screen(agent, vm, SCREEN_SECONDS, {}, text => {
            setText(this.screenText, text);
            this.screenButton.show(Boolean(text));
        }) : null;
        this.jobs = new Jobs(agent, path);
        this.disks = new Devices("Block devices", ["Device", "Node", "Format", "File", "Notes"], asked => loadDisks(agent, vm, asked));
        const nics = machine ? new Devices(
            "Network devices", ["Device", "Model", "Place", "MAC address"], asked => loadNics(agent, vm, asked)).node : "";
        this.actions = this.makeActions(machine);
        const picture = machine ? el("div", {}, this.screen.node, this.screenText, this.screenButton.node) : "";
        const buttons = el("div", { class: "actions", role: "group", "aria-label": "Actions" }, ...this.actions.map(([item]) => item.node));
        this.live = el("div", {}, buttons, el("section", { class: "overview" }, picture, this.makeProperties()), this.jobs.node,
                       this.disks.node, nics, new Command(agent, path).node, this.makeEvents());
        this.node = el("article", {}, el("div", { class: "title" }, el("h1", {}, this.name), this.state), this.goneText, this.live);
    }

    /* Each with what tells whether it makes sense. None reaches a VM that has taken the name while somebody was asked. */
    makeActions(machine) {
        const { vm } = this;
        const make = (label, method, makesSense, loss) => [action(
            label, async () => this.agent.vms?.[this.path] === vm && this.agent.call(this.path, `${NAME}.QMP`, method, "", [], true),
            loss && [`${label} ${this.name}?`, `${loss} What its guest has not written is lost.`], loss && "danger"), makesSense];
        return [
            make("Pause", "Stop", () => vm.Running),
            make("Resume", "Cont", () => machine && !vm.Running && vm.Status !== "suspended"),
            make("Wake up", "SystemWakeup", () => vm.Status === "suspended"),
            make("Power down", "SystemPowerdown", () => machine),
            make("Reset", "SystemReset", () => machine, `“${this.name}” starts anew at once.`),
            make("Quit", "Quit", () => true, `The QEMU of “${this.name}” ends at once.`),
        ];
    }

    makeProperties() {
        const { vm } = this;
        const rows = { "Kind": vm.Kind, "Name in QEMU": vm.GuestName, "UUID": /[1-9a-f]/.test(vm.UUID) ? vm.UUID : "",
                       "Architecture": vm.Target, "QEMU": `${vm.QEMUVersion} ${vm.QEMUPackage}`, "Owner": showUser(vm.OwnerUID),
                       "Process": vm.PID, "Since": time(vm.Since), "Monitor": vm.Address, "Callers’ monitors": vm.MonitorMode };
        return el("dl", {}, ...Object.entries(rows).filter(([, value]) => value).flatMap(
            ([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
    }

    /* On a system bus events come to whoever has subscribed, for as long as they are on the bus. What another page of this session
     * has subscribed to is the same subscription, and so it is never taken back here. */
    makeEvents() {
        this.events = el("ol", { role: "log", "aria-label": "Events", tabindex: "0" });
        this.eventsNote = el("p", { class: "note" });
        this.match = this.agent.client.subscribe({ path: this.path }, (path, iface, member, args) => {
            if (iface === `${NAME}.Events`)
                this.addEvent(member, ...args);
            else if (iface === `${NAME}.VM` && member === "Event")
                this.addEvent(...args);
        });
        this.agent.call(this.path, `${NAME}.VM`, "Subscribe", "as", [[]]).then(
            () => this.events.childElementCount || setText(this.eventsNote, "None since this page was opened."),
            error => setText(this.eventsNote, explain(error)));
        return el("section", { id: "events" }, el("h2", {}, "Events"), this.eventsNote, this.events);
    }

    addEvent(name, data, stamp) {
        /* Cockpit gives a variant as { t: its type, v: its value }. */
        const json = JSON.stringify(data, (key, value) => typeof value?.t === "string" && "v" in value ? value.v : value);
        const text = json === "{}" ? "" : json.length > MAX_EVENT ? `${json.slice(0, MAX_EVENT)}…` : json;
        this.events.prepend(el("li", {}, el("time", {}, time(stamp)), " ", el("strong", {}, name), " ", el("code", {}, text)));
        while (this.events.childElementCount > MAX_EVENTS)
            this.events.lastElementChild.remove();
        setText(this.eventsNote, "");
        if (BLOCK_EVENTS.test(name))
            this.disks.plan();
    }

    /* The VM may go while somebody looks at it. */
    update() {
        if (this.vm.valid) {
            showState(this.state, this.vm);
            this.actions.forEach(([item, makesSense]) => item.show(makesSense()));
            this.jobs.update();
            this.screen?.plan();
        } else if (!this.gone) {
            this.gone = this.live.inert = this.state.hidden = true;
            withdraw();
            setText(this.goneText, `“${this.name}” has gone: QEMU has ended, or the agent has lost it. It is shown when it is back.`);
            this.goneText.className = "gone";
        }
    }

    close() {
        withdraw();
        this.match.remove();
        this.screen?.close();
    }
}
