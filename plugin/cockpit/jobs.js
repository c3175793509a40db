/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A button that calls something, with what came of it beside it; and the jobs of a VM, each with its bar and its buttons. */
import { NAME, explain, unescapePath } from "./agent.js";
import { ask, bytes, el, keyed, setText, table } from "./dom.js";

/* call() gives a promise. `question`, if there is one, is [title, text], and is asked before. */
export function action(label, call, question, look) {
    const result = el("span", { class: "error", role: "alert" });
    const button = el("button", { type: "button", class: look, onclick: press }, label);
    const node = el("span", { class: "action" }, button, result);

    async function press() {
        setText(result, "");
        if (button.hasAttribute("aria-disabled") || (question && !await ask(...question, label)))
            return;
        button.setAttribute("aria-disabled", "true");
        try {
            await call();
        } catch (error) {
            setText(result, `${label}: ${explain(error)}`);
        }
        button.removeAttribute("aria-disabled");
    }

    /* Whoever has pressed Pause by the keyboard is on Resume next. */
    function show(shown) {
        const focused = document.activeElement === button;
        button.hidden = !shown;
        if (focused && !shown)
            window.setTimeout(() => node.closest(".actions")?.querySelector("button:not([hidden])")?.focus());
    }
    return { node, press, show };
}

/* Which method makes sense in which status. */
const METHODS = {
    Pause: job => ["running", "ready"].includes(job.Status) && !["migration", "dump"].includes(job.Type),
    Resume: job => ["paused", "standby"].includes(job.Status),
    Complete: job => ["ready", "pre-switchover"].includes(job.Status),
    Finalize: job => job.Status === "pending",
    Dismiss: job => job.Status === "concluded",
    Cancel: job => !["concluded", "aborting", "completed", "failed", "cancelled"].includes(job.Status),
};

class JobRow {
    constructor(agent, job, makeRow) {
        this.job = job;
        const id = unescapePath(job.path);
        this.status = el("span");
        this.error = el("div", { class: "error" });
        this.bar = el("progress", { max: 1, value: 0, "aria-label": `Progress of ${id}` });
        this.amount = el("span", { class: "note" });
        this.actions = Object.keys(METHODS).map(method => [method, action(
            method, () => agent.call(job.path, `${NAME}.Job`, method, "", [], true), null, method === "Cancel" ? "danger" : null)]);
        this.node = makeRow(id, job.Type, el("div", {}, this.status, this.error), el("div", {}, this.bar, " ", this.amount),
                            el("div", { class: "actions" }, ...this.actions.map(([, item]) => item.node)));
        this.node.dataset.job = id;
    }

    update() {
        const { job } = this;
        const done = `${Math.round(job.Progress * 100)} %`;
        setText(this.status, job.Status);
        setText(this.error, job.Error);
        setText(this.amount, job.Total ? `${done}, ${bytes(job.Current)} of ${bytes(job.Total)}` : done);
        this.bar.value = job.Progress;
        this.actions.forEach(([method, item]) => item.show(METHODS[method](job)));
    }
}

export class Jobs {
    constructor(agent, path) {
        Object.assign(this, { agent, prefix: `${path}/job/`, rows: new Map() });
        this.table = table("Jobs", ["Job", "Type", "Status", "Progress", "Actions"]);
        this.node = el("section", { id: "jobs" }, el("h2", {}, "Jobs"), this.table.node);
    }

    update() {
        const { jobs } = this.agent;
        const paths = Object.keys(jobs).filter(path => path.startsWith(this.prefix) && jobs[path].valid);
        this.rows = keyed(this.table.body, this.rows, paths, path => new JobRow(this.agent, jobs[path], this.table.row));
        this.node.hidden = !paths.length;
    }
}
