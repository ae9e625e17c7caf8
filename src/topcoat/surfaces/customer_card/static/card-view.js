/** The whole card of one customer: what is shown in which state, and who is told of what is read. */

import { Announcements } from "./announcements.js";
import { AsOfControl } from "./as-of.js";
import { sentencesOf } from "./changes.js";
import { element } from "./elements.js";
import { Head } from "./head.js";
import { Measures, Segments } from "./insights.js";
import { ProfileTile } from "./profile.js";
import { Popovers } from "./provenance.js";
import { Reading } from "./reading.js";
import { ServiceClock } from "./service-clock.js";
import { Message, Notice, skeleton } from "./states.js";
import { Timeline } from "./timeline.js";

/** What hides whatever was shown before. */
const WITHOUT_CONTENT = new Set(["forbidden", "unknown", "unknownInstance"]);

export class CardView {
  node;
  #context;
  #tell;
  #clock = new ServiceClock();
  #announcements = new Announcements();
  #reading = null;
  #parts;
  #body;
  #content;
  #skeleton;
  #message;
  #notice;
  #asOfControl;
  #asOf = null;
  #profile = null;
  #connection = "connecting";
  #isWaitingForToken = false;
  #wasLost = false;

  constructor({ api, customer, language, say, formats, tell }) {
    this.#tell = tell;
    this.#context = {
      say,
      formats,
      clock: this.#clock,
      announcements: this.#announcements,
      popovers: new Popovers(),
      isLive: () => this.#asOf === null,
    };
    if (api !== null && customer) this.#reading = new Reading({ api, customer, on: this.#heard() });
    this.#build((question, options) => api.timeline(customer, question, options), language);
  }

  start() {
    if (this.#reading === null) this.#showMessage("incomplete");
    else this.#reading.start();
  }

  stop() {
    this.#reading?.stop();
    this.#parts.timeline.stop();
    this.#context.popovers.hideAll();
  }

  tokenChanged() {
    if (this.#isWaitingForToken) this.#reading?.retry();
  }

  #build(readTimeline, language) {
    const context = this.#context;
    const retry = () => this.#reading?.retry();
    this.#parts = {
      head: new Head(context),
      profile: new ProfileTile(context),
      measures: new Measures(context),
      segments: new Segments(context),
      timeline: new Timeline(context, readTimeline),
    };
    this.#message = new Message(context, retry);
    this.#notice = new Notice(context, retry);
    this.#asOfControl = new AsOfControl(context, (asOf) => this.#showAsOf(asOf));
    this.#skeleton = skeleton(context.say);
    this.#content = this.#laidOut();
    this.node = element(
      "div",
      { class: "card", part: "card", lang: language, "data-state": "loading", "aria-busy": "true" },
      this.#announcements.node,
      this.#notice.node,
      this.#skeleton,
      this.#message.node,
    );
  }

  #laidOut() {
    const { head, profile, measures, segments, timeline } = this.#parts;
    const aside = element("div", { class: "aside" }, profile.node, measures.node, segments.node);
    this.#body = element("div", { class: "columns" }, aside, timeline.node);
    return element("article", { "aria-labelledby": "title" }, head.node, this.#asOfControl.node, this.#body);
  }

  #heard() {
    return {
      profile: (profile, asOf) => this.#showProfile(profile, asOf),
      unchanged: (time) => this.#unchanged(time),
      timeline: (asOf) => this.#parts.timeline.refresh(asOf),
      failed: (error) => this.#failed(error),
      connection: (state) => this.#connected(state),
    };
  }

  #showProfile(profile, asOf) {
    const before = this.#profile;
    this.#clock.set(profile.now, profile.isFrozen);
    this.#profile = profile;
    for (const part of ["head", "profile", "measures", "segments"]) this.#parts[part].update(profile);
    this.#asOfControl.updateProfile(profile);
    this.#upToDate();
    this.#showStatus();
    const isNews = before !== null && asOf === null && before.asOf === null;
    if (isNews) for (const sentence of sentencesOf(before, profile, this.#context)) this.#announcements.say(sentence);
    this.#tell(isNews ? "card-changed" : "card-shown", { customerId: profile.customerId });
  }

  /** The clock may have been moved or stopped where nothing else has changed. */
  #unchanged({ now, isFrozen }) {
    if (now !== null) this.#clock.set(now, isFrozen);
    this.#upToDate();
    this.#showStatus();
  }

  #upToDate() {
    this.#isWaitingForToken = false;
    this.#body.hidden = false;
    this.#keepingFocus(() => {
      this.#notice.hide();
      this.#message.hide();
      this.#setState("ready");
    });
  }

  /** Content stays in sight where it may be seen and something is merely amiss. */
  #failed(error) {
    if (error.kind === undefined) throw error;
    this.#isWaitingForToken = error.kind === "signIn";
    if (error.kind === "signIn") this.#tell("card-token-required", {});
    if (error.kind === "unknown" && this.#asOf !== null) this.#showUnavailable(error);
    else if (error.kind === "refused" && this.#asOf !== null) this.#showUnavailable(error);
    else if (error.kind === "unknown" && this.#profile !== null) this.#showMessage("gone", error.message);
    else if (WITHOUT_CONTENT.has(error.kind)) this.#showMessage(error.kind, error.message);
    else if (this.#profile === null) this.#showMessage(error.kind, error.message);
    else this.#notice.show({ signIn: "noticeSignIn", offline: "noticeOffline" }[error.kind] ?? "noticeFailed");
  }

  /** The head and its control stay, so that the reader finds back. */
  #showUnavailable(error) {
    if (this.#profile === null) {
      this.#showMessage(error.kind, error.message);
      return;
    }
    this.#message.show("timeUnavailable", error.message);
    this.#body.hidden = true;
    this.#setState("ready");
  }

  /** What the reader may not see any more does not stay in the document. */
  #showMessage(state, said) {
    this.#context.popovers.hideAll();
    this.#keepingFocus(() => {
      this.#notice.hide();
      this.#message.show(state, said);
      this.#setState(state);
    });
  }

  /** Whoever had the focus in what goes, gets it where they will read on. */
  #keepingFocus(change) {
    const root = this.node.getRootNode();
    const hadFocus = Boolean(root.activeElement) && root !== document;
    change();
    if (!hadFocus || root.activeElement?.checkVisibility()) return;
    if (this.#content.isConnected) this.#parts.head.focus();
    else this.#message.node.focus();
  }

  #setState(state) {
    this.node.dataset.state = state;
    this.node.setAttribute("aria-busy", "false");
    this.#skeleton.remove();
    if (state !== "ready") this.#content.remove();
    else if (this.#content.parentNode === null) this.#message.node.before(this.#content);
  }

  #connected(state) {
    const isLost = state === "reconnecting" || state === "notLive";
    if (isLost && !this.#wasLost && this.#profile !== null) this.#announcements.say(this.#context.say("wentOffline"));
    if (state === "live" && this.#wasLost) this.#announcements.say(this.#context.say("backOnline"));
    if (state !== "connecting") this.#wasLost = isLost;
    this.#connection = state;
    this.#showStatus();
  }

  #showStatus() {
    const { say, formats } = this.#context;
    this.node.dataset.connection = this.#connection;
    if (this.#asOf !== null) {
      this.#parts.head.showStatus("asOf", say("asOfStatus", { instant: formats.shortInstant(this.#asOf) }));
      return;
    }
    const isStopped = this.#connection === "live" && this.#clock.isFrozen;
    this.#parts.head.showStatus(this.#connection, say(isStopped ? "liveFrozen" : this.#connection));
  }

  async #showAsOf(asOf) {
    if (asOf === null && this.#asOf === null) return;
    this.#asOf = asOf;
    this.#context.popovers.hideAll();
    this.#asOfControl.show(asOf);
    this.#showStatus();
    const { say, formats } = this.#context;
    this.#announcements.say(
      asOf === null ? say("announceLive") : say("announceAsOf", { instant: formats.instant(asOf) }),
    );
    await this.#reading.showAsOf(asOf);
  }
}
