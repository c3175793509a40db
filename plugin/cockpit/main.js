/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page: which bus, which VM (both are in the address, so that Back works), and what is shown where there is no agent. */
import { Agent, ROOT } from "./agent.js";
import { el, followTheme } from "./dom.js";
import { ListView } from "./list.js";
import { VmView } from "./vm.js";

const [content, here, buses] = ["content", "path", "buses"].map(id => document.getElementById(id));
let shown = { key: null, view: null };

const isOffered = agent => ["idle", "starting", "failed", "here", "gone"].includes(agent.state);

/* The system's agent, unless the address says otherwise, or there was only the session's when somebody began to look. */
let usualBus = "system";
function chosenBus() {
    const { options: { bus } } = cockpit.location, { system, session } = agents;
    if (isOffered(session) && !system.opened && ["absent", "lost"].includes(system.state))
        usualBus = "session";
    return Object.hasOwn(agents, bus) ? bus : usualBus;
}

function link(bus, path) {
    const { encode, options } = cockpit.location;
    return `#${encode(path ? ["vm", path.split("/").pop()] : [], options.bus ? { bus } : {})}`;
}

/* What is to be seen where there is no agent, for each of its states: title, text, command, button. */
function makeFace({ bus, state, text }, look) {
    const user = bus === "session" ? "--user " : "";
    const [title, about, command, again] = {
        looking: ["Looking for the agent…", ""],
        starting: ["Starting the agent…", "The bus starts it because this page asks for it."],
        absent: ["The agent is not running", `The ${bus} bus has no org.qemu.Monitor1, and cannot start one. If it is installed:`,
                 `systemctl ${user}start management-agent`, "Look again"],
        failed: ["The agent could not be started", text, `journalctl ${user}-u management-agent`, "Try again"],
        gone: ["The agent has stopped", "Virtual machines go on running. They appear here again when it is back.", "", "Start it"],
        missing: ["This virtual machine is not there", "It has gone, or has another name. It appears here when it comes."],
        lost: [`No connection to the ${bus} bus`, text, "", "Connect again"],
    }[state];
    return el("section", { class: "face", "aria-live": "polite", "data-state": state }, el("h1", {}, title), el("p", {}, about),
              command ? el("pre", {}, command) : "", again ? el("button", { type: "button", class: "primary", onclick: look }, again) : "");
}

/* One view at a time; `key` tells whether it is still the right one. */
function show(key, make) {
    if (shown.key === key)
        return;
    shown.view?.close?.();
    const view = make();
    shown = { key, view };
    content.replaceChildren(view.node ?? view);
}

function showPath(bus, name) {
    const title = name ?? "Virtual machines";
    if (document.title !== `${title} – QEMU`)
        here.replaceChildren(...name ? [el("a", { href: link(bus) }, "Virtual machines"), ` › ${name}`] : []);
    document.title = `${title} – QEMU`;
    buses.hidden = !Object.values(agents).every(isOffered) && !cockpit.location.options.bus;
    for (const choice of buses.children)
        choice.setAttribute("aria-pressed", String(choice.dataset.bus === bus));
}

function render() {
    const bus = chosenBus();
    const agent = agents[bus];
    const [kind, name] = cockpit.location.path;
    const path = kind === "vm" && /^\w+$/.test(name) ? `${ROOT}/vm/${name}` : null;
    agent.want();
    if (agent.state !== "here") {
        showPath(bus);
        show(`${bus} ${agent.state} ${agent.text}`, () => makeFace(agent, () => agent.look()));
        return;
    }
    const vm = path && agent.vms[path];
    const key = `${bus} ${path} ${agent.opened}`;
    if (path && !vm && shown.key !== key) {
        showPath(bus, "Not there");
        show(`${key} missing`, () => makeFace({ bus, state: "missing" }));
        return;
    }
    /* A VM that has come back is another proxy, and gets another view. */
    if (vm && (shown.view?.gone || shown.view?.vm !== vm))
        shown.key = null;
    show(key, () => path ? new VmView(agent, path) : new ListView(agent, to => link(bus, to)));
    showPath(bus, shown.view.name);
    shown.view.update();
}

/* Signals come in crowds; one rendering is enough for those that are there. */
let planned = null;
function plan() {
    planned ??= window.setTimeout(() => { planned = null; render(); });
}

/* With administrative access calls are root's, and without it the user's own. */
function followSuperuser() {
    let before = null;
    const proxy = cockpit.dbus(null, { bus: "internal" }).proxy("cockpit.Superuser", "/superuser");
    proxy.addEventListener("changed", () => {
        const now = proxy.valid && proxy.Current !== "init" ? proxy.Current : before;
        if (before !== null && now !== before)
            agents.system.look();
        before = now;
    });
}

followTheme();
const agents = { system: new Agent("system", plan), session: new Agent("session", plan) };
buses.addEventListener("click", event => event.target.dataset.bus && cockpit.location.go([], { bus: event.target.dataset.bus }));
cockpit.addEventListener("locationchanged", () => {
    render();
    content.focus({ preventScroll: true });
});
followSuperuser();
