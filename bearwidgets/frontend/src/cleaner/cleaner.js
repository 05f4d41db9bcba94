// Entry point of the Cleaner widget.
import { widget } from "../shared/widget.js";
import { CleanerView } from "./view.js";

export default widget((context) => new CleanerView(context));
