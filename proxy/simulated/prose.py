"""Short markdown drafts, written from the words of a brief. The same seed writes the same draft."""

import random
import re

from proxy.simulated.market import NOTES, facts_about

_WORD = re.compile(r"[A-Za-zÀ-ÿ][\w-]*|[.,;:!?()\n]")
_PHRASE_WORDS = 3
_COMMON = re.compile(
    r"about|after|agent|also|and|answer|are|ask|because|been|before|between|both|brief|but|can|check|collect|compare|could|"
    r"describe|does|draft|each|every|explain|find|for|from|give|has|have|here|how|into|its|list|make|mention|more|must|need|not|now|"
    r"once|only|other|our|out|over|please|prepare|read|review|say|section|shall|should|some|such|sum|summarise|take|task|"
    r"than|that|the|their|them|then|there|these|they|this|those|through|two|until|use|using|very|was|were|what|when|where|"
    r"which|while|who|why|will|with|within|words|would|write|you|your"
)
_OPENINGS = (
    "This draft answers the brief in the order in which it was asked.",
    "The short version first; the reasons follow below.",
    "What follows keeps to what could be checked, and says where it could not.",
)
_LINES = (
    "{a} and {b} belong together: neither says much without the other.",
    "On {a}, the sources agree; they differ on {b}.",
    "The largest effect comes from {a}, ahead of {b}.",
    "Where {a} was unclear, the more careful reading was taken.",
    "{a} was compared with {b} line by line.",
    "For {a}, one figure a row is enough; the table carries the rest.",
    "A reader who knows {a} can skip to {b}.",
)
_CLOSINGS = (
    "Every figure above carries its source in the table; none is a forecast.",
    "Nothing here depends on a figure that could not be read at its source.",
    "The next version can be shorter once the open point is settled.",
)
_FILLERS = (
    "The paragraph on {a} was read twice against the source, and its wording follows it closely.",
    "Readers asked about {a} most often, so it stands before {b}.",
    "Between {a} and {b} there is a gap of one quarter, which the table marks.",
    "No change in {a} was found that {b} does not already explain.",
)


def write_draft(brief: str, findings: tuple[str, ...], seed: str, tokens: int | None = None) -> str:
    """A draft of title, opening, points and closing; `findings` are tool results it may lean on.

    With `tokens` it is made about that long, by paragraphs added at the end or by a cut.
    """
    chance = random.Random(seed)  # noqa: S311 - a draft, not a secret
    subject = _subjects(brief, chance)
    parts = [f"# {_title(brief)}", chance.choice(_OPENINGS), "## Findings", _points(brief, findings, subject, chance)]
    if _is_review(brief):
        parts.append("**Verdict:** sound, with one open point named above.")
    parts += ["## What is open", _fill(chance.choice(_LINES), subject, chance), chance.choice(_CLOSINGS)]
    return "\n\n".join(parts) if tokens is None else _stretched(parts, subject, chance, tokens)


def pieces_of(text: str) -> list[str]:
    """The text as a model streams it: pieces of about a token each, which join to the text."""
    return re.findall(r"\s*\w{1,6}|\s*[^\w\s]|\s+", text)


def _title(brief: str) -> str:
    first = re.split(r"(?<=[.!?:])\s|\n", brief.strip(), maxsplit=1)[0].strip(" .:#*")
    first = re.sub(
        r"^(please )?(write|draft|prepare|compose|produce) (me )?(an? |the )?", "", first, flags=re.IGNORECASE
    )
    if not first:
        return "A short note"
    short = first if len(first) <= 72 else first[:72].rsplit(" ", 1)[0]
    return short[0].upper() + short[1:]


def _subjects(brief: str, chance: random.Random) -> list[str]:
    """Runs of up to three telling words: "installed heat pump", "Finland"."""
    phrases: list[list[str]] = [[]]
    for word in _WORD.findall(brief):
        if len(word) < 3 or _COMMON.fullmatch(word.lower()) is not None or len(phrases[-1]) == _PHRASE_WORDS:
            phrases.append([])
        if len(word) >= 3 and _COMMON.fullmatch(word.lower()) is None:
            phrases[-1].append(word)
    subjects = list(dict.fromkeys(" ".join(phrase) for phrase in phrases if phrase))[:8]
    chance.shuffle(subjects)
    return subjects if len(subjects) > 1 else [*subjects, "the question", "the answer"]


def _points(brief: str, findings: tuple[str, ...], subject: list[str], chance: random.Random) -> str:
    facts = facts_about(brief)
    read = [f"Source read: {_first_line(finding)}" for finding in findings[-3:] if finding.strip()]
    known = chance.sample(NOTES, 2) if facts else []
    lines = known or [_fill(line, subject, chance) for line in chance.sample(_LINES, 4)]
    return "\n".join(f"- {line}" for line in [*facts, *read, *lines])


def _first_line(text: str) -> str:
    line = next(line for line in text.splitlines() if line.strip()).strip()
    return line if len(line) <= 140 else line[:140].rsplit(" ", 1)[0] + " …"


def _fill(line: str, subject: list[str], chance: random.Random) -> str:
    first, second = chance.sample(subject, 2)
    filled = line.format(a=f"*{first}*", b=f"*{second}*")
    return filled[0].upper() + filled[1:]


def _is_review(brief: str) -> bool:
    return re.search(r"\b(review|check|verify|proofread)\b", brief, re.IGNORECASE) is not None


def _stretched(parts: list[str], subject: list[str], chance: random.Random, tokens: int) -> str:
    text = "\n\n".join(parts)
    while len(pieces_of(text)) < tokens:
        text += "\n\n" + " ".join(_fill(chance.choice(_FILLERS), subject, chance) for _ in range(3))
    return "".join(pieces_of(text)[:tokens])
