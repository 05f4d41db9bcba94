// The talk with Python: what is asked, what is known from the answers, and who hears of it.
import { ImageLoader } from "../grid/imageloader.js";
import { Connection } from "../shared/connection.js";
import { NoAnswer } from "../shared/requests.js";
import { Store } from "./store.js";
/** @import { Filter, KernelEvent, LinkReply, Model, Ops, Range, State, ViewSpec, Yield } from "../shared/types.js" */

/** Time without a decision after which is asked what they brought, and without another selection until Python hears of it, ms. */
const [PAUSE, SELECTED] = [300, 60];

/** Holds the connection, the store and the images; everything else of the view reads them here. */
export class Session {
  store = new Store();
  connection;
  images;
  #options;
  #yieldKey = "";
  /** @type {any} */
  #yieldTimer = null;
  /** @type {any} */
  #selectTimer = null;
  #selectKey = "[]";
  /** What was shown before similar images. @type {Partial<ViewSpec>} */
  #before = {};
  /** The view that was asked for last, until it is there. @type {ViewSpec|null} */
  #asked = null;

  /**
   * @param {object} options
   * @param {Model} options.model
   * @param {AbortSignal} options.signal
   * @param {(state: State, moved: boolean) => void} options.onState moved: another order, all tiles are others now
   * @param {() => void} options.onChange items or decisions are to be drawn again
   * @param {() => void} options.onItems Python says that items changed: somebody decided, here or in another view
   * @param {(figures: Yield|null) => void} options.onYield what the decisions brought
   * @param {(news: LinkReply) => void} options.onLink another view that this one follows selected or shows something else
   * @param {(sentence: string) => void} options.onError
   */
  constructor(options) {
    this.#options = options;
    this.connection = new Connection({
      model: options.model,
      signal: options.signal,
      saved: () => this.state?.marked ?? 0,
      onRetry: () => void this.resync(),
      onEvent: (event) => this.#heard(event),
    });
    this.images = new ImageLoader({
      items: this.store,
      askPage: (request) => this.connection.ask("page", request),
      onFail: (text) => this.connection.warn(text),
      onArrival: options.onChange,
      onNewer: () => this.askState(),
    });
    options.signal.addEventListener("abort", () => {
      this.images.end();
      clearTimeout(this.#yieldTimer);
      clearTimeout(this.#selectTimer);
    });
  }

  get state() {
    return this.store.state;
  }

  /** Asks Python for everything anew: at the start, after Retry, after a silence. */
  async resync() {
    this.store.touch(null);
    await this.askState();
    this.images.retry();
    this.#options.onChange();
  }

  async askState() {
    try {
      const first = !this.state;
      const { result } = await this.connection.ask("hello", {});
      this.setState(result.state);
      // A page that was loaded again, or one more view.
      if (first && result.state.selected) void this.#follow("");
    } catch (error) {
      // Without an answer the connection says so, with a Retry button.
      if (!(error instanceof NoAnswer)) this.connection.warn(String(/** @type {Error} */ (error).message));
    }
  }

  /** @param {State} state */
  setState(state) {
    const moved = this.store.setState(state);
    if (moved) this.images.restart();
    if (!this.state) return;
    this.#options.onState(this.state, moved);
    this.#askYield(this.state);
  }

  /** Asks in a pause what the decisions brought: the estimate takes a moment. @param {State} state */
  #askYield({ revision, counts, marked }) {
    const key = JSON.stringify([revision, counts.action]);
    if (key === this.#yieldKey) return;
    this.#yieldKey = key;
    clearTimeout(this.#yieldTimer);
    if (!marked) this.#options.onYield(null);
    else this.#yieldTimer = setTimeout(() => void this.#askAside("yield", {}).then((reply) => reply && this.#options.onYield(reply.figures)), PAUSE);
  }

  /** Files were moved: every item may have changed. @param {State} state */
  setMoved(state) {
    this.store.touch(null);
    this.setState(state);
    this.#options.onChange();
  }

  /**
   * Asks; an error is shown as Python said it.
   * @template {keyof Ops} K
   * @param {K} op
   * @param {Ops[K]["request"]} args
   * @returns {Promise<Ops[K]["reply"]|null>} null after an error
   */
  async attempt(op, args) {
    try {
      const { result } = await this.connection.ask(op, args);
      if ("state" in result) this.setState(result.state);
      return result;
    } catch (error) {
      this.#options.onError(/** @type {Error} */ (error).message);
      // What the page shows may not be what is there.
      if (!(error instanceof NoAnswer)) void this.askState();
      else if (this.state) this.#options.onState(this.state, false);
      return null;
    }
  }

  /** @param {Range[]} ranges items that were on screen long enough */
  async tellSeen(ranges) {
    const reply = await this.#askAside("seen", { ranges, revision: this.store.revision });
    if (reply) this.setState(reply.state);
  }

  /** Tells in a pause what is selected. @param {Range[]} ranges */
  tellSelected(ranges) {
    clearTimeout(this.#selectTimer);
    const { revision } = this.store;
    const key = JSON.stringify(ranges.length ? [revision, ranges] : []);
    if (key === this.#selectKey) return;
    this.#selectTimer = setTimeout(() => {
      this.#selectKey = key;
      void this.#askAside("select", { ranges, revision, by: this.connection.page });
    }, SELECTED);
  }

  /** Another page selected something, or was made to show it. @param {string} by */
  async #follow(by) {
    if (by === this.connection.page) return;
    const reply = await this.#askAside("link", {});
    if (!reply) return;
    this.setState(reply.state);
    this.#selectKey = JSON.stringify(reply.ranges.length ? [reply.state.revision, reply.ranges] : []);
    this.#options.onLink(reply);
  }

  /**
   * Without an answer only a detail is behind, and the connection shows a dead kernel.
   * @template {keyof Ops} K
   * @param {K} op
   * @param {Ops[K]["request"]} args
   */
  async #askAside(op, args) {
    try {
      return (await this.connection.ask(op, args)).result;
    } catch {
      return null;
    }
  }

  /** What is shown with one thing changed, and with what was changed a moment ago. @param {Partial<ViewSpec>} change */
  async setView(change) {
    if (!this.state) return;
    const asked = { ...(this.#asked ?? this.state.view), ...change };
    this.#asked = asked;
    await this.attempt("view", asked);
    if (this.#asked === asked) this.#asked = null;
  }

  /** @param {Partial<Filter>} change */
  async setFilter(change) {
    await this.setView({ filter: { ...this.filter, ...change } });
  }

  /** The filter as it was asked for last. @returns {Filter} */
  get filter() {
    return (this.#asked ?? this.state?.view)?.filter ?? noFilter();
  }

  /** The images nearest to one; null: back to what was shown before. @param {string|null} id */
  async showSimilar(id) {
    if (id && this.state && !this.state.view.similar) this.#before = this.state.view;
    if (id) await this.setView({ similar: id });
    else await this.setView({ ...this.#before, similar: null });
  }

  /** Shows a queue in its own order. @param {string|null} queue null: all items @param {Partial<ViewSpec>} [change] */
  async setQueue(queue, change) {
    const scored = this.state?.can.scores ?? false;
    const sort = queue ? "queue" : scored ? "label_issue" : "path";
    await this.setView({ queue, sort, descending: queue !== null || scored, similar: null, ...change });
  }

  /** @param {KernelEvent} event */
  #heard(event) {
    if (event.event === "state") this.setState(event.state);
    else if (event.event === "items") {
      this.store.touch(event.ids);
      this.#options.onItems();
    } else if (event.event === "link") return void this.#follow(event.by);
    else if (event.event === "job" && this.state) this.setState({ ...this.state, job: event.job });
    this.#options.onChange();
  }
}

/** A filter that lets everything through. @returns {Filter} */
export function noFilter() {
  return { label: null, predicted: null, split: null, decision: null, text: "", ranges: [], tag: null };
}
