"""Three versions of one deliverable, near enough to each other that their difference says something."""

_HEAD = """# Installed price of a heat pump, detached house

| Country | Price, EUR |
|---|---|
"""

FIRST = f"""{_HEAD}| Finland | 11,800 |
| Sweden | 12,600 |
| Germany | 15,900 |
| France | 13,200 |
| Poland | 9,700 |
| Netherlands | 14,100 |

Read from public price lists. Two lists disagree about Poland; the later one was taken.

Prices include the outdoor unit, the indoor unit, and two days of work."""

_RANGES = """# Installed price of a heat pump, detached house

| Country | Price, EUR | Price lists |
|---|---|---|
| Finland | 10,900 to 12,700 | 6 |
| Sweden | 11,400 to 13,800 | 7 |
| Germany | 14,900 to 16,900 | 9 |
| France | 12,100 to 14,300 | 7 |
"""

SECOND = f"""{_RANGES}| Poland | 8,900 to 10,500 | 5 |
| Netherlands | 13,000 to 15,200 | 6 |

Read from 40 public price lists. Two lists disagree about Poland; the later one was taken.

Prices include the outdoor unit, the indoor unit, and two days of work."""

THIRD = f"""{_RANGES}| Poland | 8,900 to 11,300 | 5 |
| Netherlands | 13,000 to 15,200 | 6 |

Read from 40 public price lists between 3 and 14 November. Two lists disagree about Poland; the range covers both.

Prices include the outdoor unit, the indoor unit, two days of work, and value added tax."""

PRICES = (FIRST, SECOND, THIRD)
PRICES_CHANGES = (
    "Please give a range for each country instead of one figure, and say how many price lists it rests on.",
    "Nearly there. Is tax included? And let the range of Poland cover both lists.",
)


def next_draft(drafts: tuple[str, ...], previous: str | None) -> str:
    """What follows the version that came back; the last one, when there is none after it."""
    number = drafts.index(previous) + 1 if previous in drafts else 0
    return drafts[min(number, len(drafts) - 1)]
