/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a VM shows, as a picture. Screenshot() gives a descriptor, which Cockpit's bridge (since 298) has no way to hand to a page,
 * so qemu-monitorctl fetches it; as a program of this session it is the same user to polkit.
 *
 * One picture is taken at a time, and only of what somebody can see: the page is shown, and the picture is within its window. A VM
 * that does not run has nothing new to show. */
import { el } from "./dom.js";

/* Screens whose picture is to be taken. */
const queue = new Set();
let taking = false;

const sight = new IntersectionObserver(entries => entries.forEach(({ target, isIntersecting }) => {
    target.screen.visible = isIntersecting;
    target.screen.plan();
}));
document.addEventListener("visibilitychange", () => document.querySelectorAll(".screen").forEach(node => node.screen.plan()));

async function work() {
    if (taking)
        return;
    taking = true;
    for (const screen of queue) {
        queue.delete(screen);
        await screen.take();
    }
    taking = false;
}

/* `period`: seconds from one picture of a running VM to the next. onState(text): why there is none; empty: there is one. */
export class Screen {
    constructor(agent, vm, period, onState) {
        Object.assign(this, { agent, vm, period, onState, shown: null, refused: false, visible: false });
        this.node = el("canvas", { class: "screen blank", role: "img", width: 160, height: 100 });
        this.node.screen = this;
        this.say("");
        sight.observe(this.node);
    }

    say(text) {
        this.refused = Boolean(text);
        this.node.setAttribute("aria-label", text ? `No picture of the screen: ${text}` : `Screen of ${this.vm.Name}`);
        this.node.title = text;
        this.onState?.(text);
    }

    /* Something may have changed: the run state, or what is visible. What was refused is not asked for again until then: each
     * time would be one more line in the log. */
    plan() {
        const news = this.shown !== this.vm.Status || (this.vm.Running && !this.refused && !this.timer);
        if (this.visible && !document.hidden && this.vm.valid && news) {
            queue.add(this);
            work();
        }
    }

    /* A person asks for it, whatever came of it before. */
    ask() {
        this.shown = null;
        this.plan();
    }

    async take() {
        const system = this.agent.bus === "system";
        const command = ["qemu-monitorctl", system ? "--system" : "--user", "screenshot", this.vm.Name, "-"];
        this.shown = this.vm.Status;
        try {
            await this.draw(await cockpit.spawn(command, { binary: true, superuser: system ? "try" : undefined, err: "message" }));
            this.say("");
        } catch (error) {
            this.say(error.problem === "not-found" ? "qemu-monitorctl is not installed" : error.message || String(error));
        }
        window.clearTimeout(this.timer);
        this.timer = window.setTimeout(() => this.plan(this.timer = null), this.period * 1000);
    }

    async draw(data) {
        const picture = await window.createImageBitmap(new Blob([data], { type: "image/png" }));
        this.node.width = picture.width;
        this.node.height = picture.height;
        this.node.getContext("2d").drawImage(picture, 0, 0);
        this.node.classList.remove("blank");
        picture.close();
    }

    close() {
        window.clearTimeout(this.timer);
        queue.delete(this);
        sight.unobserve(this.node);
    }
}
