/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Elements, made of text and never of markup: names of VMs, and all that QEMU and guests say, may hold anything. */

/* el("button", { class: "danger", onclick: f }, "Quit", other): children are texts and elements. */
export function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) {
        if (name.startsWith("on"))
            node.addEventListener(name.slice(2), value);
        else if (value != null)
            node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
}

/* A text that has not changed is left alone, so that a screen reader does not read it again. */
export function setText(node, text = "") {
    if (node.textContent !== text)
        node.textContent = text;
}

/* Roles are written out: a narrow page shows rows as cards, and a browser takes a table that is not shown as one for none. */
export function table(label, columns) {
    const body = el("tbody", { role: "rowgroup" });
    const head = columns.map(name => el("th", { role: "columnheader", scope: "col" }, name));
    const node = el("table", { role: "table", "aria-label": label },
                    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...head)), body);
    const row = (...cells) => el("tr", { role: "row" }, ...cells.map(
        (cell, number) => el("td", { role: "cell", "data-label": columns[number] }, cell)));
    return { node, body, row };
}

/* Puts into @parent one node for each key, in this order, and keeps what is there: focus and scrolling stay. Gives a Map that
 * the caller keeps for the next time. make(key) gives { node, update(), close() }. */
export function keyed(parent, old, keys, make) {
    const items = new Map(keys.map(key => [key, old.get(key) ?? make(key)]));
    for (const [, item] of [...old].filter(([key]) => !items.has(key))) {
        item.close?.();
        if (item.node.contains(document.activeElement))
            parent.closest("main").focus();
        item.node.remove();
    }
    let next = parent.firstElementChild;
    for (const item of items.values()) {
        if (item.node === next)
            next = next.nextElementSibling;
        else
            parent.insertBefore(item.node, next);
        item.update?.();
    }
    return items;
}

/* Asks whether to go on; gives a promise of true or false. Escape is no. Each question has a dialog of its own: a browser tells late
 * that one has closed, when the next may be open. */
export function ask(title, text, yes) {
    const buttons = [el("button", { value: "no", autofocus: "" }, "Cancel"), " ", el("button", { value: "yes", class: "danger" }, yes)];
    const dialog = el("dialog", { "aria-labelledby": "question-title", "aria-describedby": "question-text" },
                      el("form", { method: "dialog" }, el("h2", { id: "question-title" }, title), el("p", { id: "question-text" }, text), ...buttons));
    document.body.append(dialog);
    dialog.showModal();
    return new Promise(resolve => dialog.addEventListener("close", () => {
        dialog.remove();
        resolve(dialog.returnValue === "yes");
    }));
}

export const withdraw = () => document.querySelector("dialog[open]")?.close("no"); /* nobody is asked any more; the answer is no */

export function bytes(number) {
    const power = number < 1024 ? 0 : Math.min(5, Math.floor(Math.log2(number) / 10));
    return `${(number / 1024 ** power).toFixed(power ? 1 : 0)} ${["B", "KiB", "MiB", "GiB", "TiB", "PiB"][power]}`;
}

export const time = microseconds => new Date(microseconds / 1000).toLocaleString();
/* Cockpit's own choice (light, dark or auto), in every way in which its versions tell a page of it. */
export function followTheme() {
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const follow = style => {
        const chosen = style ?? localStorage.getItem("shell:style") ?? "auto";
        document.documentElement.classList.toggle("dark", chosen === "dark" || (chosen === "auto" && dark.matches));
    };
    window.addEventListener("storage", event => event.key === "shell:style" && follow());
    window.addEventListener("cockpit-style", event => follow(event.detail?.style));
    dark.addEventListener("change", () => follow());
    follow();
}
