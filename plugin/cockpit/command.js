/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any QMP command, as JSON. Commands, and the polkit action of each, are known from the object's introspection; their members from
 * QEMU's schema, where the policy lets this user see it, and from the introspection where not. */
import { NAME, explain } from "./agent.js";
import { el, setText } from "./dom.js";
import { action } from "./jobs.js";

const annotation = (node, name) => node.querySelector(`:scope > annotation[name="${name}"]`)?.getAttribute("value");

/* Command → { about, args }, from the XML of Introspect(). */
function readCommands(xml) {
    const methods = new DOMParser().parseFromString(xml, "text/xml").querySelectorAll(`interface[name="${NAME}.QMP"] > method`);
    return new Map([...methods].map(method => [annotation(method, `${NAME}.Name`), {
        about: [`Guarded by ${annotation(method, `${NAME}.Action`)}`, annotation(method, "org.freedesktop.DBus.Deprecated") && "deprecated",
                annotation(method, `${NAME}.Unstable`) && "unstable"].filter(Boolean).join(", "),
        args: [...method.querySelectorAll('arg[direction="in"]')].map(arg => ({
            name: annotation(arg, `${NAME}.Name`) ?? arg.getAttribute("name"), type: `D-Bus type ${arg.getAttribute("type")}` })),
    }]));
}

/* QEMU's own schema: an array of types and commands that name one another. */
class Schema {
    constructor(text) {
        this.entries = new Map(JSON.parse(text).map(entry => [entry.name, entry]));
    }

    /* QEMU's own lists and alternates are in none of their kind; what others send ends there too. */
    typeText(name, within = "") {
        const type = this.entries.get(name), kind = type?.["meta-type"];
        switch (within.includes(kind) ? "" : kind) {
        case "builtin": return type["json-type"];
        case "enum": return type.values.join(" | ");
        case "array": return `list of ${this.typeText(type["element-type"], within + kind)}`;
        case "alternate": return type.members.map(member => this.typeText(member.type, within + kind)).join(" or ");
        default: return "object";
        }
    }

    /* Members of a command's arguments; of a union those too that go with the value of its tag, which stands in @text. */
    members(command, text) {
        const type = this.entries.get(this.entries.get(command)?.["arg-type"]);
        const variant = type?.variants?.find(entry => text.replace(/\s/g, "").includes(`"${type.tag}":"${entry.case}"`));
        return [...type?.members ?? [], ...this.entries.get(variant?.type)?.members ?? []].map(member => ({
            name: member.name, type: this.typeText(member.type), required: !("default" in member) }));
    }
}

/* Lines and indentation, without a change to any number or string. A reply may nest 1,024 deep: 40 levels are drawn, the rest would be spaces. */
function indent(text) {
    let depth = 0;
    const line = change => `\n${"  ".repeat(Math.min(depth += change, 40))}`;
    return text.replace(/"(?:[^"\\]|\\.)*"|\{\s*\}|\[\s*\]|([{[])\s*|\s*([}\]])|,\s*/g, (token, open, close) =>
        open ? open + line(1) : close ? line(-1) + close : token[0] === "," ? "," + line(0) : token);
}

/* Where in the arguments an error is, from its text: [start, end], or null. */
function findPlace(message, text) {
    const octet = /at byte (\d+)/.exec(message);
    if (octet) {
        const start = new TextDecoder().decode(new TextEncoder().encode(text).slice(0, Number(octet[1]))).length;
        return [start, start + 1];
    }
    const name = JSON.stringify(/'([^']+)'/.exec(message)?.[1].split(/[.[\]]+/).filter(part => /\D/.test(part)).pop() ?? null);
    const start = text.indexOf(name);
    return start < 0 ? null : [start, start + name.length];
}

export class Command {
    constructor(agent, path) {
        Object.assign(this, { agent, path, commands: new Map(), schema: null, template: "" });
        this.list = el("datalist", { id: "commands" });
        this.name = el("input", { id: "command", list: "commands", autocomplete: "off", spellcheck: "false",
                                  oninput: () => this.choose() });
        this.about = el("p", { class: "note", id: "command-about" });
        this.members = el("ul", { class: "members", "aria-label": "Members; press one to add it" });
        this.text = el("textarea", { id: "arguments", rows: 4, spellcheck: "false", "aria-describedby": "command-error",
                                     oninput: () => this.showMembers() });
        this.error = el("p", { class: "error", id: "command-error", role: "alert" });
        this.result = el("pre", { id: "result", tabindex: "0", role: "region", "aria-label": "Result", hidden: "" });
        const run = action("Run", () => this.execute(), null, "primary");
        const form = el("form", {}, el("label", { for: "command" }, "Command"), this.name, this.list, this.about,
                        el("label", { for: "arguments" }, "Arguments, as JSON"), this.text, this.members, run.node);
        this.name.addEventListener("focus", () => this.load(), { once: true });
        this.name.addEventListener("keydown", event => event.key === "Enter" && (event.preventDefault(), run.press()));
        this.node = el("section", {}, el("h2", {}, "Run a command"), form, this.error, this.result);
    }

    load() {
        this.agent.call(this.path, "org.freedesktop.DBus.Introspectable", "Introspect", "", []).then(([xml]) => {
            this.commands = readCommands(xml);
            this.list.replaceChildren(...[...this.commands.keys()].sort().map(name => el("option", { value: name })));
            this.choose();
        }, error => setText(this.about, explain(error)));
        this.agent.json(this.path, "query-qmp-schema", "").then(text => {
            this.schema = new Schema(text);
            this.choose();
        }, () => {});
    }

    getMembers() {
        const name = this.name.value.trim();
        return this.schema?.members(name, this.text.value) ?? this.commands.get(name)?.args ?? [];
    }

    /* The arguments are begun with what is required, unless somebody has written some. */
    choose() {
        setText(this.about, this.commands.get(this.name.value.trim())?.about);
        if (!this.text.value || this.text.value === this.template) {
            const required = this.getMembers().filter(member => member.required).map(member => `${JSON.stringify(member.name)}: `);
            this.text.value = this.template = required.length ? `{${required.join(", ")}}` : "";
        }
        this.showMembers();
    }

    showMembers() {
        this.members.replaceChildren(...this.getMembers().map(({ name, type, required }) => el(
            "li", {}, el("button", { type: "button", class: "link", onclick: () => this.add(name) }, name),
            ` ${type}${required ? ", required" : ""}`)));
    }

    add(name) {
        const text = this.text.value.trimEnd().replace(/\}$/, "").trimEnd() || "{";
        this.text.value = `${text}${/[{,]$/.test(text) ? "" : ","}${text === "{" ? "" : " "}${JSON.stringify(name)}: }`;
        this.select(this.text.value.length - 1, this.text.value.length - 1);
    }

    select(start, end) {
        this.text.focus();
        this.text.setSelectionRange(start, end);
    }

    async execute() {
        setText(this.error, "");
        this.result.hidden = true;
        this.text.removeAttribute("aria-invalid");
        try {
            setText(this.result, indent(await this.agent.json(this.path, this.name.value.trim(), this.text.value, true)));
            this.result.hidden = false;
        } catch (error) {
            setText(this.error, explain(error));
            const place = findPlace(error.message ?? "", this.text.value);
            if (place) {
                this.text.setAttribute("aria-invalid", "true");
                this.select(...place);
            }
        }
    }
}
