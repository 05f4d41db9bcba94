// Written from bearwidgets/widgets/protocol.py by `python bearwidgets/frontend/scripts/write_types.py`. Types only.

/** @typedef {"keep"|"delete"|"relabel"|"unsure"|"clear"|"accept"} Action */
/** @typedef {string} Sort */
/** @typedef {[number, number]} Range */
/** @typedef {[number, number]} Run */
/** @typedef {StateEvent|ItemsEvent|JobEvent|MatrixEvent|MonitorEvent|MapEvent|CurveEvent|LinkEvent} KernelEvent */
/**
 * @typedef {object} Decision
 * A decision on an item.
 * @property {"keep"|"delete"|"relabel"|"unsure"} action
 * @property {string|null} [label] the new label; null unless the action is relabel
 * @property {"label"|"image"|"duplicate"|null} [about] what a keep says is fine; null unless the action is keep
 */
/**
 * @typedef {object} Group
 * What an item says of the group it belongs to.
 * @property {number} number
 * @property {number} at place in the group, as far as the view shows it
 * @property {number} shown how many of it the view shows, all side by side
 * @property {number} size how many it has
 * @property {boolean} keeper the one that is proposed to stay
 * @property {boolean} differs labels in the group contradict each other
 * @property {boolean} copies one of the group is enough, and proposed to stay
 * @property {Decision|null} proposal what keeping the proposed one of the group decides here
 */
/**
 * @typedef {object} Item
 * One tile.
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
 * @property {Decision|null} proposal what "accept" decides; null where there is nothing to accept
 * @property {boolean} stale it trains otherwise now than in the training that made the scores
 * @property {string[]} tags
 * @property {string} note
 * @property {number|null} buffer which of the reply's buffers is its image
 * @property {string|null} error why it has no image
 */
/**
 * @typedef {object} RangeFilter
 * Only items whose value lies in here, both ends included; null leaves an end open.
 * @property {string} name one of what "ranges" lists
 * @property {number|null} low
 * @property {number|null} high
 */
/**
 * @typedef {object} Filter
 * Which items are shown; null and "" show all.
 * @property {string|null} label the given label
 * @property {string|null} predicted the predicted one
 * @property {string|null} split train, valid or test
 * @property {"pending"|"undecided"|"keep"|"delete"|"relabel"|"unsure"|null} decision pending (any), undecided, or one of the actions
 * @property {string} text part of the path, small and capital letters alike
 * @property {RangeFilter[]} ranges
 * @property {string|null} tag
 */
/**
 * @typedef {object} ViewSpec
 * Which items are shown, and in which order.
 * @property {Sort} sort a score, path, label, decided (the newest decision first), or queue: the order of the queue
 * @property {boolean} descending from the highest on
 * @property {Filter} filter
 * @property {string|null} queue only what a queue lists, groups side by side
 * @property {string|null} similar
 */
/**
 * @typedef {object} SelectRequest
 * What is selected in a page.
 * @property {number} revision
 * @property {Range[]} ranges
 * @property {string} [by] the page, which need not be told
 */
/**
 * @typedef {object} FollowRequest
 * Show here what another view shows, or what is selected in any.
 * @property {"selected"|"shown"} what
 */
/**
 * @typedef {object} SavedView
 * A view under a name.
 * @property {string} name
 * @property {ViewSpec} view
 */
/**
 * @typedef {object} SortChoice
 * An order that can be chosen.
 * @property {string} name
 * @property {string} title
 * @property {boolean} descending whether it begins with the highest, unless the person turns it around
 */
/**
 * @typedef {object} Queue
 * One list of suspects.
 * @property {string} name
 * @property {string} title
 * @property {boolean} certain a fact, not a guess
 * @property {number} total images
 * @property {number} undecided images without an answer to what is asked here, in problems that are left
 * @property {number} groups
 * @property {number} problems a group of copies is one, else each image
 * @property {number} left
 * @property {string} accept what Enter does here, in words; "" nothing
 * @property {string} keep what K says here, in words
 * @property {string} finding a sentence where this is about the whole set and no list to work through
 */
/**
 * @typedef {object} Yield
 * What the decisions in the shown queue brought, and what may be left to find.
 * @property {number} decided
 * @property {number} recent
 * @property {number} recent_changed
 * @property {number} left
 * @property {number|null} errors
 * @property {number|null} low
 * @property {number|null} high
 * @property {string} hint one sentence where it is time to stop, or ""
 */
/**
 * @typedef {object} ErrorRates
 * Errors on the evaluation split of `n` items.
 * @property {number} error_rate
 * @property {number} n
 * @property {number|null} error_rate_corrected on the labels as they are corrected
 */
/**
 * @typedef {object} Phase
 * One part of a job.
 * @property {string} name what a person reads
 * @property {number} done
 * @property {number|null} total null where that is not known yet
 * @property {"waiting"|"running"|"done"|"failed"} state
 */
/**
 * @typedef {object} JobState
 * Where a job in the background stands.
 * @property {"idle"|"running"|"stopping"|"done"|"stopped"|"failed"} state
 * @property {"retrain"|"open"|"find"|"check"} kind
 * @property {Phase[]} phases all parts, as far as they are known, in their order
 * @property {number} step steps of the present stage that are done, of `total`
 * @property {number} total
 * @property {number|null} seconds_left estimate for the present stage
 * @property {string} message the present stage, or how it ended, in words
 * @property {([number, number|null, number|null])[]} curve epoch or step, training loss, error on the evaluation split
 * @property {ErrorRates|null} before the learner before
 * @property {ErrorRates|null} after the learner after
 * @property {string|null} error one sentence, if it failed
 */
/**
 * @typedef {object} Counts
 * Items by label, by split, and by the action of the decision in force.
 * @property {Record<string, number>} label
 * @property {Record<string, number>} split
 * @property {Record<string, number>} action
 */
/**
 * @typedef {object} Can
 * What would do something now.
 * @property {boolean} undo
 * @property {boolean} redo
 * @property {boolean} scores
 * @property {boolean} retrain
 * @property {boolean} apply
 * @property {boolean} rollback
 */
/**
 * @typedef {object} State
 * What a view shows around the grid.
 * @property {number} revision grows with each new order; places in the view are only good for one revision
 * @property {number} total items in the view
 * @property {number} items items in the data set
 * @property {string[]} classes
 * @property {string[]} digits the classes on the keys 1 to 9
 * @property {Counts} counts
 * @property {number} seen items that were looked at
 * @property {number} marked decisions in force
 * @property {ViewSpec} view
 * @property {Queue[]} queues
 * @property {Run[]} runs pairs of how many items stand together and how often in a row; empty where nothing does
 * @property {Can} can
 * @property {boolean} stale the scores were made before decisions that change the training
 * @property {JobState} job
 * @property {string} ready a sentence where suspects were found but not shown, for the person is at work in this order; or ""
 * @property {string} title
 * @property {string} provenance where the scores come from, in words
 * @property {string} model the same in short, with its error: "Quick model · 5.0 % error"; "" without scores
 * @property {boolean} is_trained the scores come from a trained model
 * @property {number} exam_marks decisions on the evaluation split: proposed corrections
 * @property {string|null} note one sentence on the data set, if there is something to say
 * @property {string} keep what K says in this view, in words
 * @property {"label"|"image"|"duplicate"|null} asks what K answers in this view; null where each image has a question of its own
 * @property {string} accept what Enter does in this view, in words; "" nothing
 * @property {number} changes items that would train otherwise now than in the training that made the scores
 * @property {number} to_apply decisions that an apply would carry out
 * @property {boolean} outdated the queues were found before files moved or the learner changed
 * @property {SortChoice[]} sorts all orders that can be chosen now
 * @property {Record<string, number>} tags how many items have each
 * @property {SavedView[]} saved
 * @property {number} selected items that are selected here, or in a view that follows
 */
/**
 * @typedef {object} LinkReply
 * What the views that follow each other have in common, as it concerns this one.
 * @property {State} state
 * @property {Range[]} ranges the places here of what is selected
 * @property {number} selected how many are selected in all
 * @property {string} where in which view that was done
 * @property {string} offer what another view shows and this one does not, in a sentence; or ""
 */
/**
 * @typedef {object} HistoryEntry
 * A decision that was made on an item and not undone.
 * @property {string} time as the clock of the kernel's machine shows it
 * @property {string} by "you", or the name of another person
 * @property {"keep"|"delete"|"relabel"|"unsure"|"clear"} action
 * @property {string|null} label
 * @property {"label"|"image"|"duplicate"|null} about as in Decision
 */
/**
 * @typedef {object} PendingItem
 * An item with a decision in force.
 * @property {string} id
 * @property {string} path
 * @property {"keep"|"delete"|"relabel"|"unsure"} action
 * @property {string} label
 * @property {string|null} new_label
 * @property {string} split
 */
/**
 * @typedef {object} PendingGroup
 * How many decisions are alike.
 * @property {"keep"|"delete"|"relabel"|"unsure"} action
 * @property {string} label
 * @property {string|null} new_label
 * @property {number} count
 */
/**
 * @typedef {object} PlannedMove
 * What an apply would do with a file; no target for one that goes to the trash.
 * @property {string} id
 * @property {string} path
 * @property {"keep"|"delete"|"relabel"|"unsure"} action
 * @property {string|null} target
 * @property {string} label as it is
 * @property {string|null} new_label null for a delete
 * @property {string} split
 */
/**
 * @typedef {object} PlanProblem
 * A file that would be left out, and why.
 * @property {string} path
 * @property {string} reason
 */
/**
 * @typedef {object} Round
 * A round that was applied.
 * @property {number} round
 * @property {string} time as the clock of the kernel's machine shows it
 * @property {Record<string, number>} counts
 * @property {boolean} rolled_back
 */
/**
 * @typedef {object} Nothing
 * There is nothing more to say.
 */
/**
 * @typedef {object} StateReply
 * The new state.
 * @property {State} state
 */
/**
 * @typedef {object} PageRequest
 * Items from `start` to before `stop`, at most 256.
 * @property {number} revision
 * @property {number} start
 * @property {number} stop
 * @property {number} px longest side of the images
 * @property {boolean} [images] false leaves the images out
 */
/**
 * @typedef {object} PageReply
 * The items; fewer where the view ends. Their images are the buffers.
 * @property {number} revision
 * @property {number} start
 * @property {Item[]} items
 */
/**
 * @typedef {object} ItemRequest
 * About one item, by its id.
 * @property {string} item
 */
/**
 * @typedef {object} LocateReply
 * Its place, null where the view does not show it or has none.
 * @property {number|null} index
 */
/**
 * @typedef {object} NextRequest
 * The next place after `start` that has no answer yet, or the one before it.
 * @property {number} revision
 * @property {number} start
 * @property {boolean} [back]
 */
/**
 * @typedef {object} MarkRequest
 * Decide on items, as one act: by places of a revision, or by ids. Keep answers what the view asks.
 * @property {Action} action
 * @property {string|null} [label] the new label of a relabel
 * @property {string[]|null} [ids]
 * @property {Range[]} [ranges]
 * @property {number} [revision]
 */
/**
 * @typedef {object} RangesRequest
 * These places in the view: they were on the screen.
 * @property {number} revision
 * @property {Range[]} ranges
 */
/**
 * @typedef {object} ResolveGroupRequest
 * Keep one of each group that the ranges touch and delete the others, as one act.
 * @property {number} revision
 * @property {Range[]} ranges
 * @property {boolean} [keepers] the proposed ones stay; else those in the ranges
 */
/**
 * @typedef {object} TagRequest
 * Give a tag to items, or take it away, as one act: by places of a revision, or by ids.
 * @property {string} tag
 * @property {boolean} [on]
 * @property {string[]|null} [ids]
 * @property {Range[]} [ranges]
 * @property {number} [revision]
 */
/**
 * @typedef {object} NoteRequest
 * The note of an item from now on; "" for none.
 * @property {string} item
 * @property {string} text
 */
/**
 * @typedef {object} SuggestionsRequest
 * What in the view is undecided and would be changed by accepting it, of one pair of labels or of all.
 * @property {number} revision
 * @property {number} at_least 0 to 1: the confidence of the model, or the score of the queue
 * @property {string|null} [label]
 * @property {string|null} [becomes] a label, or "delete"
 */
/**
 * @typedef {object} SuggestedPair
 * How many suggestions are alike.
 * @property {string} label
 * @property {string} becomes
 * @property {number} count
 */
/**
 * @typedef {object} SuggestionsReply
 * The suggestions with at least this confidence.
 * @property {Range[]} ranges where they are in the view
 * @property {number} count
 * @property {SuggestedPair[]} pairs the most frequent first
 * @property {number[]} thresholds those to choose from that leave any
 */
/**
 * @typedef {object} ValueRange
 * How the values of the items in the view are spread, whatever the range filters say.
 * @property {string} name
 * @property {string} title
 * @property {string} unit
 * @property {number} low
 * @property {number} high
 * @property {number[]} counts in 20 steps of equal width from low to high
 */
/**
 * @typedef {object} RangesReply
 * Every value that is known of some items in the view.
 * @property {ValueRange[]} ranges
 */
/**
 * @typedef {object} SaveViewRequest
 * Keep the view as it is now under a name, or forget the one of that name.
 * @property {string} name
 */
/**
 * @typedef {object} MarkReply
 * What an act changed.
 * @property {number} changed
 * @property {string[]} ids those that changed, the first 200
 * @property {State} state
 */
/**
 * @typedef {object} StepReply
 * What an undo or redo changed.
 * @property {number} changed
 * @property {string[]} ids those that changed, the first 200
 * @property {State} state
 * @property {number|null} index the first place in the view that changed
 * @property {string} what what was undone or redone, in words: "delete black/26.jpg (other view)"
 */
/**
 * @typedef {object} FullReply
 * All about one item. Its image is the buffer.
 * @property {string} id
 * @property {string} path
 * @property {number} width
 * @property {number} height
 * @property {number} bytes size of the file
 * @property {string} mime of the buffer
 * @property {string} label
 * @property {string|null} predicted
 * @property {string|null} suggested
 * @property {[string, number][]} probabilities the most probable classes
 * @property {string} looks_like among the classes of ImageNet, "sloth bear (93 %)"; "" where that is not known
 * @property {Decision|null} decision
 * @property {Decision|null} proposal
 * @property {HistoryEntry[]} history what was decided on it and not undone, the newest last
 */
/**
 * @typedef {object} YieldReply
 * The figures; null where nothing is decided yet.
 * @property {Yield|null} figures
 */
/**
 * @typedef {object} PendingReply
 * All decisions in groups, and the 200 newest.
 * @property {PendingGroup[]} groups
 * @property {PendingItem[]} items
 * @property {number} total
 */
/**
 * @typedef {object} PlanReply
 * A plan.
 * @property {Record<string, number>} counts
 * @property {Record<string, number>} held_out those of them that are not in train, which ApplyRequest can leave out
 * @property {PlannedMove[]} moves the first 200 of train, then the first 200 of those held out
 * @property {number} total
 * @property {PlanProblem[]} problems the first 200
 * @property {number} problems_total
 * @property {string} token give it to apply, which does only what was shown
 * @property {boolean} ok whether there is anything to apply
 */
/**
 * @typedef {object} ApplyRequest
 * Carry out the plan that was shown.
 * @property {string} token
 * @property {boolean} [held_out] false leaves the evaluation splits as they are; their decisions stay pending
 */
/**
 * @typedef {object} RoundsReply
 * The rounds, oldest first.
 * @property {Round[]} rounds
 */
/**
 * @typedef {object} RollbackRequest
 * Put the files of a round back.
 * @property {number} round
 */
/**
 * @typedef {object} RoundReply
 * A round was applied or rolled back.
 * @property {number} round
 * @property {Record<string, number>} counts
 * @property {State} state
 * @property {string} message
 */
/**
 * @typedef {object} ExplainRequest
 * What the network looked at in one image.
 * @property {string} item
 * @property {string|null} [method] null: the one that fits the network best
 * @property {string|null} [label] a class of which there is to be a map in any case
 * @property {boolean} [image] false leaves the image out
 */
/**
 * @typedef {object} ClassMap
 * The numbers beside the map of a class.
 * @property {string} name
 * @property {number} probability
 * @property {number} logit
 * @property {number} sum of the map
 * @property {number|null} constant what belongs to no place; null where the map is no share of the logit
 */
/**
 * @typedef {object} ExplainReply
 * Maps of some classes.
 *
 * The first buffer holds them, float32 (classes, rows, columns), row by row; the second is the image.
 * @property {string} item
 * @property {string} path
 * @property {string} label
 * @property {string} method
 * @property {string[]} methods those that can be chosen
 * @property {string} about what the map is, in a sentence
 * @property {boolean} exact map and constant sum to the logit exactly
 * @property {ClassMap[]} maps the most probable class first
 * @property {string[]} others classes without a map here
 * @property {number} rows
 * @property {number} columns
 * @property {[number, number, number, number]} seen
 * @property {number} size px of a side of the square that it saw
 */
/**
 * @typedef {object} ItemsReply
 * The ids of what is to be explained, in order.
 * @property {string[]} ids
 */
/**
 * @typedef {object} CheckMapRequest
 * Measure in the background whether to believe the map of a class; a CurveEvent tells.
 * @property {string} item
 * @property {string} label
 * @property {string|null} [method]
 */
/**
 * @typedef {object} MatrixRequest
 * The confusion matrix; of another part, or by other labels, if one is named.
 * @property {string|null} [part]
 * @property {string|null} [labels]
 * @property {boolean} [everything] no longer only what another view is filtered to
 */
/**
 * @typedef {object} ClassGroup
 * Classes that can be shown as one.
 * @property {string} name
 * @property {number[]} members numbers of classes
 * @property {boolean} pinned it stays when groups are found anew
 */
/**
 * @typedef {object} Difference
 * What a matrix is compared with; its buffers come after those of the matrix: before, marked, p.
 * @property {boolean} paired the same images were compared
 * @property {number} level share of false marks that is expected at most
 * @property {number} changed marked cells
 */
/**
 * @typedef {object} MatrixReply
 * A confusion matrix.
 *
 * Its buffers tell of the cells that are not empty: their places (cells,) int32, row · classes + column, where rows
 * are actual and columns predicted; their counts (cells,) int32; how many of their labels are expected to be wrong
 * (cells,) float32, empty where that is not known; and of a comparison the counts before (cells,) int32, what
 * differs by more than chance (cells,) uint8, and the p values (cells,) float32.
 * @property {string[]} classes
 * @property {string} part what is counted: a split, or one label of several
 * @property {string[]} parts those to choose from
 * @property {string} part_title what they are
 * @property {string} labels which labels count, in words
 * @property {string} kind which labels count
 * @property {string[]} kinds those to choose from
 * @property {number} total
 * @property {number|null} accuracy
 * @property {Record<string, number[]>} orders numbers of the classes in each order that can be chosen
 * @property {ClassGroup[]} groups found in the confusion itself, or by a person
 * @property {boolean} grid a grid of the images stands below it
 * @property {boolean} images cells can be opened
 * @property {Difference|null} difference
 * @property {string} limited which images are counted, where another view is filtered, in words
 * @property {number} limit which filter that is
 */
/**
 * @typedef {object} Cells
 * The cells in which these rows and columns meet.
 * @property {string[]} actual
 * @property {string[]} predicted
 */
/**
 * @typedef {object} CellsRequest
 * Show the images of some cells in the grid.
 * @property {Cells[]} blocks
 */
/**
 * @typedef {object} MatrixLinkReply
 * Which cells hold what is selected, or shown, in another view; the buffer is int32: row, column, how many.
 * @property {number} selected images; 0 where what counts is what is shown
 * @property {number} shown
 * @property {string} where in which view
 * @property {number} limit as in a `MatrixReply`: another one needs another matrix
 */
/**
 * @typedef {object} ScoresReply
 * Precision, recall and F1 of each class with their intervals, in words.
 * @property {string[]} columns
 * @property {string[][]} rows
 */
/**
 * @typedef {object} GroupRequest
 * Rename or pin a group of classes.
 * @property {string} name
 * @property {string|null} [rename]
 * @property {boolean|null} [pinned]
 */
/**
 * @typedef {object} ModuleReply
 * The code of a part that a view shows when it is wanted: a grid below it, or maps over its images.
 * @property {string} code
 */
/**
 * @typedef {object} ChartLine
 * One curve of a chart.
 * @property {string} name
 * @property {[number, number][]} points
 */
/**
 * @typedef {object} Chart
 * Curves on two axes.
 * @property {string} title
 * @property {string} x what the horizontal axis shows
 * @property {string} y
 * @property {ChartLine[]} lines
 * @property {boolean} log the horizontal axis is logarithmic
 */
/**
 * @typedef {object} MonitorState
 * A learner's trainings as curves.
 * @property {"empty"|"running"|"stopping"|"done"|"stopped"|"failed"} state
 * @property {string} message what is to be known, in sentences, or ""
 * @property {string} stage of what runs
 * @property {number} step steps of the stage that are done, of `total`
 * @property {number} total
 * @property {number|null} seconds_left
 * @property {Chart[]} charts
 * @property {[number, string][]} phases where on the axis of epochs each phase of a training began
 * @property {Chart|null} search the loss over rates, the last time that a rate was looked for
 * @property {Record<string, number>} suggested rates that the search suggests
 * @property {number|null} rate the chosen one
 */
/**
 * @typedef {object} MonitorReply
 * What a monitor shows.
 * @property {MonitorState} monitor
 */
/**
 * @typedef {object} RateRequest
 * Train at this rate the next time that the monitor's `fit` is called.
 * @property {number} rate
 */
/**
 * @typedef {object} MapColoring
 * Something that the points can be colored by.
 * @property {string} name
 * @property {string} title
 * @property {boolean} scale numbers from low to high; else one of some names
 */
/**
 * @typedef {object} MapReply
 * The points. Their positions are the buffer: float32, three numbers each, NaN where one has no place.
 * @property {number} revision grows with other images; numbers of points are only good for one revision
 * @property {number} total points, those without a place too
 * @property {string} by what near means here, in words
 * @property {string} note one sentence on what is not on the map, and why; or ""
 * @property {Range[]} selected
 * @property {boolean} grid a grid of the images stands below it
 */
/**
 * @typedef {object} MapPairsReply
 * The pairs. Their buffers are int32: near, mid-near and far ones, -1 where there is none.
 * @property {number} revision
 * @property {boolean} ready false: they are being looked for, and an event tells when they are there
 * @property {number} near how many of each there are of a point, in the order of the buffers
 * @property {number} mid
 * @property {number} far
 * @property {string} note why there are none, or ""
 */
/**
 * @typedef {object} MapColorRequest
 * What one coloring says of each point.
 * @property {number} revision
 * @property {string} name
 */
/**
 * @typedef {object} MapColorReply
 * The values are the buffer: int32 places in `names`, -1 for none; of a scale float32, NaN for none.
 * @property {number} revision
 * @property {MapColoring} coloring
 * @property {MapColoring[]} colorings those to choose from
 * @property {string[]} names
 * @property {number} low of a scale: where its colors begin and end
 * @property {number} high
 */
/**
 * @typedef {object} MapItemsRequest
 * Some images of the map, at most 256, by their numbers.
 * @property {number} revision
 * @property {number[]} numbers
 * @property {number} px longest side
 */
/**
 * @typedef {object} MapItem
 * What a point stands for.
 * @property {number} number
 * @property {string} id
 * @property {string} path
 * @property {string} label
 * @property {string|null} predicted
 * @property {number|null} confidence
 * @property {string} why why it is suspect, one sentence or ""
 * @property {Decision|null} decision
 * @property {number|null} buffer which of the reply's buffers is its image, a JPEG
 * @property {string|null} error why it has no image
 */
/**
 * @typedef {object} MapItemsReply
 * The images that were asked for, in that order.
 * @property {number} revision
 * @property {MapItem[]} items
 */
/**
 * @typedef {object} MapSelectRequest
 * These points are selected; their images are shown in the grid, unless there are none.
 * @property {number} revision
 * @property {Range[]} ranges
 * @property {string} [by] the page, which need not be told
 */
/**
 * @typedef {object} MapOpenRequest
 * Select one point, and show its image and the nearest ones in the grid.
 * @property {number} revision
 * @property {number} number
 * @property {string} [by]
 */
/**
 * @typedef {object} MapLinkReply
 * What is selected in the map or a view that follows it, and what another view was made to show.
 * @property {number} revision
 * @property {Range[]} selected points
 * @property {Range[]} shown
 * @property {string} where in which view they are shown
 */
/**
 * @typedef {object} LayerInfo
 * A layer of a network.
 * @property {string} name
 * @property {number} channels
 * @property {Run} map height and width of what it gives
 * @property {Run} field height and width in px of what one unit sees
 * @property {boolean} kernels its kernels can be shown as images
 */
/**
 * @typedef {object} LayersReply
 * All layers that are known by now, and where the look at the images stands.
 * @property {LayerInfo[]} layers
 * @property {JobState} job
 * @property {string} note which images were looked at, in a sentence
 * @property {number} size side of the images as the network sees them, px
 */
/**
 * @typedef {object} ChannelsRequest
 * Channels of a layer from `start` to before `stop`, at most 64; of one image its maps.
 * @property {string} layer
 * @property {number} start
 * @property {number} stop
 * @property {"patches"|"kernels"|"maps"} [show]
 * @property {string|null} [image] whose maps
 */
/**
 * @typedef {object} Channel
 * What one channel responds to; its image is a buffer of the reply.
 * @property {number} number
 * @property {number|null} value the highest response, null before there is any
 * @property {number|null} buffer
 */
/**
 * @typedef {object} ChannelsReply
 * The channels; fewer where the layer ends.
 * @property {string} layer
 * @property {Channel[]} channels
 * @property {number} done images that were looked at by then
 */
/**
 * @typedef {object} ChannelRequest
 * One channel in full.
 * @property {string} layer
 * @property {number} channel
 */
/**
 * @typedef {object} Patch
 * A place in an image that excites a channel; the patch and the whole image are buffers of the reply.
 * @property {string} id
 * @property {string} path
 * @property {string} label
 * @property {number} value
 * @property {[number, number, number, number]} box left, top, right, bottom in px of the image as the network sees it
 * @property {[number, number]} center x, y of the unit's own place
 */
/**
 * @typedef {object} ChannelReply
 * The places, the strongest first; two buffers each: the patch, the whole image.
 * @property {string} layer
 * @property {number} channel
 * @property {Patch[]} patches
 */
/**
 * @typedef {object} StateEvent
 * Something around the grid changed.
 * @property {State} state
 * @property {"state"} event
 */
/**
 * @typedef {object} ItemsEvent
 * These items changed; null: any may have.
 * @property {string[]|null} ids
 * @property {"items"} event
 */
/**
 * @typedef {object} JobEvent
 * The job goes on, or ended.
 * @property {JobState} job
 * @property {"job"} event
 */
/**
 * @typedef {object} MatrixEvent
 * The confusion matrix changed; it can be asked for.
 * @property {"matrix"} event
 */
/**
 * @typedef {object} LinkEvent
 * Something else is selected or shown in one of the views that follow each other; it can be asked for.
 * @property {string} by the page where that was done; "" for none
 * @property {"link"} event
 */
/**
 * @typedef {object} MonitorEvent
 * A training went on, or ended.
 * @property {MonitorState} monitor
 * @property {"monitor"} event
 */
/**
 * @typedef {object} MapEvent
 * Something about the map changed: ask for it.
 * @property {"points"|"pairs"|"colors"} what
 * @property {"map"} event
 */
/**
 * @typedef {object} CurveEvent
 * How the probability of a class falls or rises with the patches that its map marks, beside random ones.
 * @property {string} item
 * @property {string} label
 * @property {string} method
 * @property {number[]} shares of the patches
 * @property {number[]} deletion with so many covered
 * @property {number[]} insertion with only so many shown
 * @property {number[]} random the mean of random orders
 * @property {string} verdict whether to believe the map, in a sentence
 * @property {"curve"} event
 */
/**
 * @typedef {object} Ops what each op takes and gives
 * @property {{request: Nothing, reply: StateReply}} hello
 * @property {{request: ViewSpec, reply: StateReply}} view
 * @property {{request: PageRequest, reply: PageReply}} page
 * @property {{request: ItemRequest, reply: LocateReply}} locate
 * @property {{request: NextRequest, reply: LocateReply}} next
 * @property {{request: MarkRequest, reply: MarkReply}} mark
 * @property {{request: ResolveGroupRequest, reply: MarkReply}} resolve_group
 * @property {{request: Nothing, reply: StepReply}} undo
 * @property {{request: Nothing, reply: MarkReply}} undo_harmful
 * @property {{request: Nothing, reply: StepReply}} redo
 * @property {{request: ItemRequest, reply: FullReply}} full
 * @property {{request: RangesRequest, reply: StateReply}} seen
 * @property {{request: SelectRequest, reply: Nothing}} select
 * @property {{request: Nothing, reply: LinkReply}} link
 * @property {{request: FollowRequest, reply: StateReply}} follow
 * @property {{request: Nothing, reply: YieldReply}} yield
 * @property {{request: Nothing, reply: PendingReply}} pending
 * @property {{request: Nothing, reply: PlanReply}} plan
 * @property {{request: ApplyRequest, reply: RoundReply}} apply
 * @property {{request: Nothing, reply: RoundsReply}} rounds
 * @property {{request: RollbackRequest, reply: RoundReply}} rollback
 * @property {{request: Nothing, reply: Nothing}} retrain
 * @property {{request: Nothing, reply: Nothing}} stop
 * @property {{request: TagRequest, reply: MarkReply}} tag
 * @property {{request: NoteRequest, reply: MarkReply}} note
 * @property {{request: Nothing, reply: RangesReply}} ranges
 * @property {{request: SuggestionsRequest, reply: SuggestionsReply}} suggestions
 * @property {{request: SaveViewRequest, reply: StateReply}} save_view
 * @property {{request: SaveViewRequest, reply: StateReply}} drop_view
 * @property {{request: ExplainRequest, reply: ExplainReply}} explain
 * @property {{request: Nothing, reply: ModuleReply}} explain_module
 * @property {{request: MatrixRequest, reply: MatrixReply}} matrix
 * @property {{request: CellsRequest, reply: Nothing}} cells
 * @property {{request: Nothing, reply: MatrixLinkReply}} matrix_link
 * @property {{request: Nothing, reply: ScoresReply}} scores
 * @property {{request: GroupRequest, reply: Nothing}} group
 * @property {{request: Nothing, reply: ModuleReply}} module
 * @property {{request: Nothing, reply: MonitorReply}} monitor
 * @property {{request: Nothing, reply: Nothing}} find_rate
 * @property {{request: RateRequest, reply: MonitorReply}} rate
 * @property {{request: Nothing, reply: MapReply}} map
 * @property {{request: Nothing, reply: MapPairsReply}} map_pairs
 * @property {{request: MapColorRequest, reply: MapColorReply}} map_color
 * @property {{request: MapItemsRequest, reply: MapItemsReply}} map_items
 * @property {{request: MapSelectRequest, reply: Nothing}} map_select
 * @property {{request: MapOpenRequest, reply: Nothing}} map_open
 * @property {{request: Nothing, reply: MapLinkReply}} map_link
 * @property {{request: Nothing, reply: ItemsReply}} items
 * @property {{request: CheckMapRequest, reply: Nothing}} check_map
 * @property {{request: Nothing, reply: LayersReply}} layers
 * @property {{request: Nothing, reply: Nothing}} look
 * @property {{request: ChannelsRequest, reply: ChannelsReply}} channels
 * @property {{request: ChannelRequest, reply: ChannelReply}} channel
 */
/** @typedef {{kind: "reply", id: number, ok: boolean, result?: any, error?: string}} Reply */
/** @typedef {DataView|ArrayBuffer|Uint8Array} Buffer */
/**
 * @typedef {object} Model what anywidget hands to `render`
 * @property {(name: string) => any} get
 * @property {(name: string, value: unknown) => void} set
 * @property {() => void} save_changes
 * @property {(content: unknown) => void} send
 * @property {(name: string, callback: (...args: any[]) => void) => void} on
 * @property {(name: string, callback: (...args: any[]) => void) => void} off
 * @property {{kernel?: unknown}} [widget_manager]
 */

export {};
