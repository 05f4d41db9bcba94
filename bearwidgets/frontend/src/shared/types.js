// The shapes that travel between Python and the page, and the ones the page keeps for itself. Types only, no code.

/** @typedef {{action: "keep"|"delete"|"relabel"|"unsure", label: string|null}} Decision */
/** @typedef {[size: number, times: number]} Run how many items stand together, and how often in a row */
/**
 * @typedef {object} Group
 * @property {number} number
 * @property {number} at place in the group, as far as the view shows it
 * @property {number} shown how many of it the view shows, all side by side
 * @property {number} size how many it has
 * @property {boolean} keeper the one that is proposed to stay
 * @property {boolean} differs labels in the group contradict each other
 * @property {boolean} copies one of the group is enough, and proposed to stay
 */
/**
 * @typedef {object} Item
 * @property {number} i position in the view
 * @property {string} id
 * @property {string} path
 * @property {string} label
 * @property {string} split
 * @property {string|null} predicted
 * @property {number|null} confidence
 * @property {number|null} loss
 * @property {number|null} label_issue 0 (sound) to 1 (suspect)
 * @property {string|null} suggested
 * @property {string|null} second the second suggestion
 * @property {string} why why it is shown, one sentence or ""
 * @property {Group|null} group
 * @property {Decision|null} decision
 * @property {boolean} stale
 * @property {number|null} buffer
 * @property {string|null} error
 */
/**
 * @typedef {object} Filter
 * @property {string|null} label
 * @property {string|null} predicted
 * @property {string|null} split
 * @property {string|null} decision
 * @property {string} text
 */
/** @typedef {{filter: Filter, sort: string, descending: boolean, queue: string|null}} ViewSpec */
/**
 * @typedef {object} Queue
 * @property {string} name
 * @property {string} title
 * @property {boolean} certain a fact, not a guess
 * @property {number} total
 * @property {number} undecided
 * @property {number} groups
 */
/**
 * @typedef {object} Yield
 * @property {number} decided
 * @property {number} recent
 * @property {number} recent_changed
 * @property {number} left
 * @property {number|null} errors
 * @property {number|null} low
 * @property {number|null} high
 * @property {string} hint one sentence where looking on hardly pays, or ""
 */
/**
 * @typedef {object} Job
 * @property {"idle"|"running"|"stopping"|"done"|"stopped"|"failed"} state
 * @property {number} step
 * @property {number} total
 * @property {number|null} seconds_left
 * @property {string} message
 * @property {[number, number|null, number|null][]} curve x, training loss, valid error
 * @property {{error_rate: number, n: number}|null} before
 * @property {{error_rate: number, error_rate_corrected: number|null, n: number}|null} after
 * @property {string|null} error
 */
/**
 * @typedef {object} State
 * @property {number} revision
 * @property {number} total
 * @property {number} items
 * @property {string[]} classes
 * @property {{label: Record<string, number>, split: Record<string, number>, action: Record<string, number>}} counts
 * @property {number} seen
 * @property {number} marked
 * @property {ViewSpec} view
 * @property {Queue[]} queues
 * @property {Run[]} runs empty where nothing stands together
 * @property {Yield|null} yield
 * @property {{undo: boolean, redo: boolean, scores: boolean, retrain: boolean, apply: boolean, rollback: boolean}} can
 * @property {boolean} stale
 * @property {Job} job
 * @property {string} title
 * @property {string} made_by
 * @property {{marks: number}} exam
 * @property {string|null} note
 */
/** @typedef {[start: number, stop: number]} Range half open */
/** @typedef {{ok: boolean, id: number, kind: "reply", result?: any, error?: string}} Reply */
/** @typedef {DataView|ArrayBuffer|Uint8Array} Buffer */
/**
 * @typedef {object} Model what anywidget hands to `render`
 * @property {(name: string) => any} get
 * @property {(name: string, value: unknown) => void} set
 * @property {() => void} save_changes
 * @property {(content: unknown) => void} send
 * @property {(name: string, callback: (...args: any[]) => void) => void} on
 * @property {(name: string, callback: (...args: any[]) => void) => void} off
 */
/** @typedef {"keep"|"delete"|"unsure"|"clear"|"accept"|"relabel"} Action */

export {};
