/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a VM shows, as a picture. Screenshot() gives a descriptor, which Cockpit's bridge (since 298) has no way to hand to a page,
 * so qemu-monitorctl fetches it; as a program of this session it is the same user to polkit.
 *
 * One picture is taken at a time (a QEMU that does not answer holds up the others for a moment), and only of what somebody can see:
 * the page is shown, and the picture is within its window. A VM that does not run has nothing new to show. */
import { el } from "./dom.js";

const PATIENCE_SECONDS = 5;
const MAX_PIXELS = 1 << 26; /* an 8k screen has half of them; a small file may claim any number, all of which take memory */
let idle = Promise.resolve(); /* fulfilled when no picture is being taken, or waits to be */
const sight = new IntersectionObserver(entries => entries.forEach(
    ({ target, isIntersecting }) => Object.assign(target.screen, { visible: isIntersecting }).plan()));
cockpit.addEventListener("visibilitychange", () => document.querySelectorAll(".screen").forEach(node => node.screen.plan()));

/* `period`: seconds from one picture of a running VM to the next. `scale`: options of createImageBitmap(), for a small one.
 * onState(text): why there is none; empty: there is one. */
export class Screen {
    constructor(agent, vm, period, scale, onState) {
        Object.assign(this, { agent, vm, period, scale, onState, shown: null, refused: false, visible: false, waits: false, asked: false });
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

    /* Something may have changed: the run state, or what is visible; or somebody asks. What was refused is not tried again before:
     * each time would be one more line in the log. */
    plan(asked) {
        this.asked ||= asked;
        const news = this.asked || this.shown !== this.vm.Status || (this.vm.Running && !this.refused && !this.timer);
        if (!this.waits && this.visible && !cockpit.hidden && news) {
            this.waits = true;
            const late = () => new Promise(resolve => window.setTimeout(resolve, PATIENCE_SECONDS * 1000, true));
            idle = idle.then(() => Promise.race([this.take(), late()])).then(isLate => isLate && this.say("QEMU has not answered yet"));
        }
    }

    async take() {
        this.waits = this.vm.valid && this.visible;
        if (!this.waits)
            return;
        const system = this.agent.bus === "system";
        const password = this.asked ? [] : ["--no-ask-password"];
        const command = ["qemu-monitorctl", system ? "--system" : "--user", ...password, "screenshot", "--", this.vm.Name, "-"];
        Object.assign(this, { shown: this.vm.Status, asked: false });
        try {
            this.process = cockpit.spawn(command, { binary: true, superuser: system ? "try" : undefined, err: "message" });
            const data = await this.process, view = new DataView(data.buffer, data.byteOffset);
            if (view.getUint32(16) * view.getUint32(20) > MAX_PIXELS)
                throw new Error("QEMU has sent a picture that is too large");
            const picture = await window.createImageBitmap(new Blob([data]), this.scale);
            Object.assign(this.node, { className: "screen", width: picture.width, height: picture.height });
            this.node.getContext("2d").drawImage(picture, 0, 0);
            picture.close();
            this.say("");
        } catch (error) {
            this.say(error.problem === "not-found" ? "qemu-monitorctl is not installed" : error.message || String(error));
        }
        window.clearTimeout(this.timer);
        const timer = window.setTimeout(() => { this.timer = null; this.plan(); }, this.period * 1000);
        Object.assign(this, { timer, waits: false }).plan();
    }

    close() {
        window.clearTimeout(this.timer);
        this.visible = false;
        this.process?.close("cancelled");
        sight.unobserve(this.node);
    }
}
