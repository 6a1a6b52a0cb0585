// Everything here makes pages quicker or nicer; without it the same links and forms do the same things.
import "./theme.js";
import "./times.js";
import "./dialogs.js";
import "./verbs.js";
import "./naming.js";
import "./keys.js";
import "./live.js";
import "./drag.js";
import "./peek.js";
import "./bell.js";
import "./copy.js";
