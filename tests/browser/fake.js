// A stand-in for the Python side of the Cleaner: answers the messages from generated items and images.

const IMAGES = 40;

/** @param {number} count */
async function drawImages(count) {
  const made = [];
  for (let i = 0; i < count; i++) {
    const canvas = document.createElement("canvas");
    canvas.width = 160;
    canvas.height = i % 3 === 0 ? 110 : 160;
    const context = canvas.getContext("2d");
    const hue = (i * 47) % 360;
    const sky = context.createLinearGradient(0, 0, 0, canvas.height);
    sky.addColorStop(0, `hsl(${hue} 45% 75%)`);
    sky.addColorStop(1, `hsl(${(hue + 60) % 360} 35% 45%)`);
    context.fillStyle = sky;
    context.fillRect(0, 0, 160, 160);
    context.fillStyle = `hsl(${25 + (i % 4) * 8} 45% ${20 + (i % 5) * 12}%)`;
    for (const [x, y, r] of [[80, 90, 42], [50, 52, 16], [110, 52, 16], [80, 104, 18]]) {
      context.beginPath();
      context.arc(x, y, r, 0, 7);
      context.fill();
    }
    context.fillStyle = "#111";
    for (const x of [66, 94]) context.fillRect(x, 78, 6, 6);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.8));
    made.push(await blob.arrayBuffer());
  }
  return made;
}

/** Buffers arrive as views into one longer message, as in JupyterLab. @param {ArrayBuffer[]} parts */
function inOneMessage(parts) {
  const whole = new Uint8Array(7 + parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 7;
  return parts.map((part) => {
    whole.set(new Uint8Array(part), at);
    at += part.byteLength;
    return new DataView(whole.buffer, at - part.byteLength, part.byteLength);
  });
}

/** What a queue lists: its kernel items in order, of which those in one list belong together. */
const QUEUES = {
  contradictions: { title: "Contradictory copies", certain: true, groups: [[20, 22]] },
  copies: { title: "Identical copies", certain: true, groups: [[30, 33], [36, 39, 42]] },
  label_issue: { title: "Label issues", certain: false, groups: Array.from({ length: 23 }, (_, i) => [60 + 2 * i]) },
  near_duplicates: {
    title: "Near-duplicates", certain: false,
    groups: [[101, 104], [110, 113, 116], [120, 123], [130, 133, 136, 139], [141, 144, 147, 150, 153, 156, 159, 162, 165], [201, 204], [210], [220, 223]],
  },
  dark: { title: "Too dark", certain: false, groups: [[300], [303], [306], [309]] },
  blurred: { title: "Blurred", certain: false, groups: [[310], [312], [314], [316], [318], [319]] },
  odd_size: { title: "Odd size", certain: false, groups: [[330], [331]] },
  unreadable: { title: "Unreadable", certain: true, groups: [] },
  animated: { title: "Animated", certain: false, groups: [] },
};
const WHY = {
  contradictions: "The same bytes stand under black and teddy, so one of the labels is wrong.",
  copies: "The same bytes as the others of its group.",
  near_duplicates: "Nearly the same image as the others of its group: 97 % alike.",
  dark: "Its mean brightness is 9 of 255; half of the images have 120 or more.",
};

const SORTS = [
  { name: "label_issue", title: "Label issue", descending: true },
  { name: "loss", title: "Loss", descending: true },
  { name: "margin", title: "Margin", descending: false },
  { name: "confidence", title: "Confidence", descending: false },
  { name: "label", title: "Label", descending: false },
  { name: "path", title: "Path", descending: false },
  { name: "decided", title: "Time decided", descending: true },
  { name: "queue", title: "Queue", descending: true },
];
const RANGES = [
  ["confidence", "Confidence", "", 0.34, 1],
  ["label_issue", "Label issue", "", 0, 0.99],
  ["brightness", "Brightness", "", 0.1, 0.9],
  ["size", "Size", "px", 180, 1600],
];

/** A repeatable number from 0 to 1. @param {number} i @param {number} salt */
function chance(i, salt) {
  let x = (i + 1) * 374761393 + salt * 668265263;
  x = Math.imul(x ^ (x >>> 13), 1274126177);
  return ((x ^ (x >>> 16)) >>> 0) / 4294967296;
}

/** @param {string} action @param {string?} label */
const decided = (action, label = null) => ({ action, label, about: action === "keep" ? "label" : null });

export class FakeKernel {
  log = [];
  dead = false;
  fail = {};
  held = [];
  holding = null;
  #listeners = new Map();
  #images = [];
  #decisions = new Map();
  #history = [];
  #future = [];
  #seen = new Set();
  #tags = new Map();
  #notes = new Map();
  #saved = [];
  #order = [];
  #revision = 1;
  #rounds = [];
  #view = { filter: { label: null, predicted: null, split: null, decision: null, text: "", ranges: [], tag: null }, sort: "label_issue", descending: true, queue: null, similar: null };
  #groups = new Map();
  #runs = [];
  looked = null;
  #stale = false;
  #job = { state: "idle", kind: "retrain", phases: [], step: 0, total: 0, seconds_left: null, message: "", curve: [], before: null, after: null, error: null };

  constructor({ n = 480, classes = ["black", "grizzly", "teddy"], traits = {}, queues = false } = {}) {
    this.queues = queues ? QUEUES : {};
    this.n = n;
    this.classes = classes;
    this.traits = { px: 160, height: 640, ...traits };
    this.#order = Array.from({ length: n }, (_, i) => i);
    this.maker = drawImages(Math.min(n, IMAGES)).then((made) => (this.#images = made));
  }

  // the model's side

  get(name) {
    return this.traits[name];
  }

  set(name, value) {
    this.traits[name] = value;
    this.emit(`change:${name}`);
  }

  save_changes() {
    this.log.push({ op: "save_changes", traits: { ...this.traits } });
  }

  on(name, callback) {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), callback]);
  }

  off(name, callback) {
    this.#listeners.set(name, (this.#listeners.get(name) ?? []).filter((other) => other !== callback));
  }

  listenerCount() {
    return [...this.#listeners.values()].reduce((sum, list) => sum + list.length, 0);
  }

  emit(name, ...values) {
    for (const callback of this.#listeners.get(name) ?? []) callback(...values);
  }

  send(message) {
    this.log.push(message);
    if (this.dead) return;
    if (this.holding?.includes(message.op)) {
      this.held.push(message);
      return;
    }
    void this.#answer(message);
  }

  /** Answers what was held back. */
  release() {
    const held = this.held;
    this.held = [];
    this.holding = null;
    for (const message of held) void this.#answer(message);
  }

  push(event) {
    this.emit("msg:custom", { kind: "event", ...event }, []);
  }

  // Python's side

  async #answer(message) {
    await this.maker;
    const reply = { kind: "reply", id: message.id };
    const error = this.fail[message.op];
    if (error) this.emit("msg:custom", { ...reply, ok: false, error }, []);
    else {
      const { buffers = [], ...result } = await this[message.op](message);
      this.emit("msg:custom", { ...reply, ok: true, result }, inOneMessage(buffers));
    }
  }

  item(k) {
    const label = this.classes[k % this.classes.length];
    const wrong = chance(k, 1) < 0.35;
    const predicted = wrong ? this.classes[(k + 1) % this.classes.length] : label;
    const confidence = 0.5 + chance(k, 2) / 2;
    const decision = this.#decisions.get(k) ?? null;
    return {
      id: `id${k}`,
      path: k === 5 ? `${label}/<img src=x onerror=alert(1)>.jpg` : `${label}/${String(k).padStart(6, "0")}.jpg`,
      label,
      split: k % 5 === 4 ? "valid" : "train",
      predicted,
      confidence,
      loss: wrong ? -Math.log(1 - confidence + 0.004) : -Math.log(confidence),
      label_issue: wrong ? confidence : 1 - confidence,
      suggested: wrong ? predicted : null,
      second: wrong ? this.classes[(k + 2) % this.classes.length] : null,
      why: WHY[this.#view.queue] ?? (wrong ? `It looks like ${predicted} (${Math.round(confidence * 100)} %), and its neighbors are ${predicted}.` : ""),
      group: this.#groups.get(k) ?? null,
      decision,
      proposal: wrong ? decided("relabel", predicted) : null,
      stale: this.#stale,
      tags: this.#tags.get(k) ?? [],
      note: this.#notes.get(k) ?? "",
      error: k === 11 ? "the file is cut off after 2,048 bytes" : null,
    };
  }

  state() {
    const action = {};
    for (const decision of this.#decisions.values()) action[decision.action] = (action[decision.action] ?? 0) + 1;
    const label = {};
    this.classes.forEach((name, c) => (label[name] = Math.ceil((this.n - c) / this.classes.length)));
    return {
      revision: this.#revision,
      total: this.#order.length,
      items: this.n,
      classes: this.classes,
      digits: this.classes.slice(0, 9),
      counts: { label, split: { train: this.n - Math.floor(this.n / 5), valid: Math.floor(this.n / 5) }, action },
      seen: this.#seen.size,
      marked: this.#decisions.size,
      view: this.#view,
      queues: Object.entries(this.queues).map(([name, { title, certain, groups }]) => {
        const items = groups.flat();
        const open = (k) => this.#decisions.has(k) === (name === "look_again");
        return {
          name, title, certain, total: items.length, undecided: items.filter(open).length, groups: groups.filter((each) => each.length > 1).length,
          problems: groups.length, left: groups.filter((each) => each.some(open)).length, accept: "suggested label", keep: "label is right", finding: "",
        };
      }),
      runs: this.#runs,
      can: { undo: this.#history.length > 0, redo: this.#future.length > 0, scores: true, retrain: true, apply: this.#decisions.size > 0, rollback: this.#rounds.length > 0 },
      stale: this.#stale,
      job: this.#job,
      ready: "",
      title: "bears",
      provenance: "cached features, efficientnet_lite0, 224 px",
      model: "Quick model · 5.0 % error",
      is_trained: true,
      exam_marks: [...this.#decisions.keys()].filter((k) => k % 5 === 4).length,
      note: null,
      keep: "label is right",
      asks: "label",
      accept: "suggested label",
      changes: this.#stale ? this.#decisions.size : 0,
      to_apply: (action.delete ?? 0) + (action.relabel ?? 0),
      outdated: false,
      sorts: SORTS.filter(({ name }) => name !== "queue" || this.#view.queue),
      tags: this.#tagCounts(),
      saved: this.#saved,
      selected: this.selectedBefore ?? 0,
    };
  }

  #tagCounts() {
    const counts = {};
    for (const tag of [...this.#tags.values()].flat()) counts[tag] = (Object.hasOwn(counts, tag) ? counts[tag] : 0) + 1;
    return counts;
  }

  setJob(job) {
    this.#job = { ...this.#job, ...job };
    this.push({ event: "job", job: this.#job });
  }

  setStale(stale) {
    this.#stale = stale;
    this.push({ event: "state", state: this.state() });
    this.push({ event: "items", ids: null });
  }

  hello() {
    return { state: this.state() };
  }

  view({ filter, sort, descending, queue = null, similar = null }) {
    this.#view = { filter, sort, descending, queue, similar };
    this.#revision += 1;
    const among = queue ? this.queues[queue].groups.flat() : Array.from({ length: this.n }, (_, k) => k);
    const found = among.filter((k) => {
      const { label, predicted, split, decision, path } = this.item(k);
      const action = decision?.action ?? null;
      const wanted = { null: true, pending: action !== null, undecided: action === null }[filter.decision] ?? action === filter.decision;
      const fits = (name, value) => filter[name] === null || filter[name] === value;
      const inside = ({ name, low, high }) => (this.item(k)[name] ?? 0) >= (low ?? -Infinity) && (this.item(k)[name] ?? 0) <= (high ?? Infinity);
      return wanted && fits("label", label) && fits("predicted", predicted) && fits("split", split) && path.includes(filter.text) && (!filter.tag || (this.#tags.get(k) ?? []).includes(filter.tag)) && filter.ranges.every(inside);
    });
    if (!descending) found.reverse();
    if (similar) found.splice(0, found.length, ...Array.from({ length: 21 }, (_, near) => (Number(similar.slice(2)) + near * this.classes.length) % this.n));
    this.#order = found;
    this.#putTogether(queue ? this.queues[queue].groups : []);
    return { state: this.state() };
  }

  #putTogether(groups) {
    this.#groups.clear();
    this.#runs = [];
    if (!groups.some((members) => members.length > 1)) return;
    groups.forEach((members, number) => {
      const here = this.#order.filter((k) => members.includes(k));
      if (here.length) this.#runs.push([here.length, 1]);
      if (members.length < 2) return;
      const differs = new Set(members.map((k) => k % this.classes.length)).size > 1;
      here.forEach((k, at) => this.#groups.set(k, { number, at, shown: here.length, size: members.length, keeper: k === members[0], differs, copies: true, proposal: decided(k === members[0] ? "keep" : "delete") }));
    });
  }

  yield() {
    return { figures: this.looked };
  }

  link() {
    const { selected = [], where = "the map", offer = "", total } = this.linked ?? {};
    return { state: this.state(), ranges: selected, selected: total ?? selected.reduce((sum, [a, b]) => sum + b - a, 0), where, offer };
  }

  follow() {
    this.linked = null;
    return { state: this.state() };
  }

  select() {
    return {};
  }

  resolve_group({ ranges, keepers }) {
    const given = this.#at(ranges);
    const numbers = new Set(given.map((k) => this.#groups.get(k)?.number));
    const wanted = new Map();
    for (const [k, { number, keeper }] of this.#groups) {
      if (numbers.has(number)) wanted.set(k, decided((keepers ? keeper : given.includes(k)) ? "keep" : "delete"));
    }
    return this.#decide(wanted, `${wanted.size} decisions`);
  }

  undo_harmful() {
    const wanted = new Map(this.#at(this.#view.queue === "look_again" ? [[0, this.#order.length]] : []).map((k) => [k, null]));
    return this.#decide(wanted, `${wanted.size} decisions`);
  }

  page({ revision, start, stop, images: wanted = true }) {
    if (revision !== this.#revision) return { revision: this.#revision, start, items: [] };
    const buffers = [];
    const items = this.#order.slice(start, stop).map((k, offset) => {
      const item = { i: start + offset, ...this.item(k), buffer: null };
      if (wanted && !item.error) item.buffer = buffers.push(this.#images[k % this.#images.length]) - 1;
      return item;
    });
    return { revision, start, items, buffers };
  }

  /** What a map shows of some items. */
  itemsOf(numbers) {
    const buffers = [];
    const items = numbers.map((number) => {
      const { id, path, label, predicted, confidence, why, decision, error } = this.item(number);
      const buffer = error ? null : buffers.push(this.#images[number % this.#images.length]) - 1;
      return { number, id, path, label, predicted, confidence, why, decision, buffer, error };
    });
    return { items, buffers };
  }

  locate({ item: id }) {
    const index = this.#order.indexOf(Number(id.slice(2)));
    return { index: index < 0 ? null : index };
  }

  next({ start, back = false }) {
    const places = this.#order.flatMap((k, at) => (this.#decisions.has(k) ? [] : [at]));
    const index = back ? places.filter((at) => at < start).pop() : places.find((at) => at > start);
    return { index: index ?? null };
  }

  mark({ ranges, ids, action, label = null }) {
    const touched = ids ? ids.map((id) => Number(id.slice(2))) : this.#at(ranges);
    const next = (k) => {
      if (action === "clear") return null;
      const { decision, proposal } = this.item(k);
      return action === "accept" ? (proposal ?? decision) : decided(action, label);
    };
    this.#future = [];
    return this.#decide(new Map(touched.map((k) => [k, next(k)])), `${action} ${touched.length}`);
  }

  tag({ ranges = [], ids, tag, on = true }) {
    const touched = ids ? ids.map((id) => Number(id.slice(2))) : this.#at(ranges);
    for (const k of touched) {
      const others = (this.#tags.get(k) ?? []).filter((each) => each !== tag);
      this.#tags.set(k, on ? [...others, tag] : others);
    }
    return { changed: touched.length, ids: touched.slice(0, 200).map((k) => `id${k}`), state: this.state() };
  }

  note({ item, text }) {
    this.#notes.set(Number(item.slice(2)), text);
    return { changed: 1, ids: [item], state: this.state() };
  }

  ranges() {
    const counts = Array.from({ length: 20 }, (_, step) => (step * 7) % 20);
    return { ranges: RANGES.map(([name, title, unit, low, high]) => ({ name, title, unit, low, high, counts })) };
  }

  suggestions({ at_least, label = null, becomes = null }) {
    const places = [...this.#order.keys()].filter((place) => {
      const item = this.item(this.#order[place]);
      const fits = label === null || (item.label === label && item.proposal?.label === becomes);
      return fits && !item.decision && item.proposal && item.confidence >= at_least;
    });
    const pairs = {};
    for (const place of places) {
      const { label: from, proposal } = this.item(this.#order[place]);
      (pairs[[from, proposal.label]] ??= { label: from, becomes: proposal.label, count: 0 }).count += 1;
    }
    return { ranges: places.map((place) => [place, place + 1]), count: places.length, pairs: Object.values(pairs), thresholds: [0.5, 0.7, 0.9] };
  }

  save_view({ name }) {
    this.#saved = [...this.#saved.filter((each) => each.name !== name), { name, view: this.#view }];
    return { state: this.state() };
  }

  drop_view({ name }) {
    this.#saved = this.#saved.filter((each) => each.name !== name);
    return { state: this.state() };
  }

  undo() {
    return this.#step(this.#history, this.#future);
  }

  redo() {
    return this.#step(this.#future, this.#history);
  }

  #step(from, to) {
    const { before, what } = from.pop() ?? { before: new Map(), what: "" };
    const [first] = before.keys();
    return { ...this.#decide(before, what, to), index: before.size ? this.#order.indexOf(first) : null, what };
  }

  /** One act: new decisions by kernel item, null for none; what was before goes to `log`. */
  #decide(wanted, what, log = this.#history) {
    const before = new Map();
    for (const [k, decision] of wanted) {
      const old = this.#decisions.get(k) ?? null;
      if (JSON.stringify(decision) === JSON.stringify(old)) continue;
      before.set(k, old);
      if (decision) this.#decisions.set(k, decision);
      else this.#decisions.delete(k);
    }
    if (before.size) log.push({ before, what });
    return { changed: before.size, state: this.state(), ids: [...before.keys()].slice(0, 200).map((k) => `id${k}`) };
  }

  /** The kernel items at some places. */
  #at(ranges) {
    return ranges.flatMap(([start, stop]) => this.#order.slice(start, stop));
  }

  full({ item: id }) {
    const k = Number(id.slice(2));
    const shown = this.item(k);
    const { id: name, path, label, predicted, suggested, decision, proposal } = shown;
    const rest = this.classes.filter((name) => name !== shown.predicted).slice(0, 4);
    return {
      id: name, path, label, predicted, suggested, decision, proposal,
      width: 1600,
      height: 1200,
      bytes: 345_678,
      mime: "image/jpeg",
      probabilities: [[shown.predicted, shown.confidence], ...rest.map((name, i) => [name, (1 - shown.confidence) / 2 ** (i + 1)])],
      looks_like: "sloth bear (93 %)",
      history: shown.decision ? [{ time: "2026-01-02 03:04", by: "ada", action: shown.decision.action, label: shown.decision.label, about: null }] : [],
      buffers: [this.#images[k % this.#images.length]],
    };
  }

  /** A map whose upper left corner speaks for the class, more for each class than for the one before. */
  explain({ item: id, method = null, label = null, image = true }) {
    const k = Number(id.slice(2));
    const { path, label: own, predicted, confidence } = this.item(k);
    const [rows, columns] = [7, 7];
    const known = this.classes.slice(0, 20);
    const names = [predicted, ...known.filter((name) => name !== predicted), ...(label && !known.includes(label) ? [label] : [])];
    const maps = names.map((name, at) => ({ name, probability: at ? (1 - confidence) / (names.length - 1) : confidence, logit: 2.5 - at, sum: 2 - at, constant: method === "grad_cam" ? null : 0.5 }));
    const values = Float32Array.from(names.flatMap((_, at) => Array.from({ length: rows * columns }, (_, place) => (place === 0 ? 4 - at : place === rows * columns - 1 ? -2 : 0))));
    return {
      item: id, path, label: own, method: method ?? "class_map", methods: ["class_map", "grad_cam", "occlusion", "integrated_gradients"],
      about: "Exact: what each place adds.", exact: method !== "grad_cam", maps, others: this.classes.filter((name) => !names.includes(name)),
      rows, columns, seen: this.seenPart ?? [0, 0, 1, 1], size: 224,
      buffers: [values.buffer, ...(image ? [this.#images[k % this.#images.length]] : [])],
    };
  }

  async explain_module() {
    return { code: await (await fetch("/bearwidgets/static/explain.js")).text() };
  }

  #listed() {
    return [...this.#decisions].map(([k, { action, label }]) => {
      const item = this.item(k);
      return { id: item.id, path: item.path, action, label: item.label, new_label: label, split: item.split };
    });
  }

  pending() {
    const items = this.#listed();
    const groups = {};
    for (const { action, label, new_label } of items) {
      groups[[action, label, new_label]] ??= { action, label, new_label, count: 0 };
      groups[[action, label, new_label]].count += 1;
    }
    return { groups: Object.values(groups), items: items.slice(0, 200), total: items.length };
  }

  plan() {
    const problems = this.problems ?? [];
    const moves = this.#listed()
      .filter(({ action }) => action === "delete" || action === "relabel")
      .map(({ id, path, action, label, new_label, split }) => ({ id, path, action, label, new_label, split, target: action === "delete" ? null : `${new_label}/${path.split("/")[1]}` }));
    const counted = (some) => some.reduce((counts, { action }) => ({ ...counts, [action]: (counts[action] ?? 0) + 1 }), {});
    const counts = counted(moves);
    return { counts, held_out: counted(moves.filter(({ split }) => split !== "train")), moves: moves.slice(0, 200), total: moves.length, problems: problems.slice(0, 200), problems_total: problems.length, token: "t1", ok: !this.problems };
  }

  apply({ token }) {
    const { counts } = this.plan();
    this.#decisions.clear();
    this.#rounds.push({ round: this.#rounds.length + 1, time: "2026-01-02 03:04", counts, rolled_back: false });
    return { round: this.#rounds.length, counts, state: this.state(), message: `Done with ${token}.` };
  }

  rounds() {
    return { rounds: this.#rounds };
  }

  rollback({ round }) {
    this.#rounds[round - 1].rolled_back = true;
    return { round, counts: {}, state: this.state(), message: `Round ${round} was rolled back.` };
  }

  retrain() {
    this.setJob({ state: "running", step: 1, total: 60, seconds_left: 12, message: "", curve: [[0, 1.1, null], [1, 0.9, 0.3]] });
    return {};
  }

  stop() {
    this.setJob({ state: "stopping" });
    return {};
  }

  seen({ ranges }) {
    for (const [start, stop] of ranges) for (let i = start; i < stop; i++) this.#seen.add(this.#order[i]);
    return { state: this.state() };
  }
}
