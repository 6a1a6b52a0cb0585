"""Who plays and what they do: the heat pump report. Text and data only."""

from dataclasses import dataclass
from typing import Literal

from controlplane.demo.drafts import PRICES, PRICES_CHANGES

PROJECT = "Heat pump report"
TOOL_SERVER = "simulated"
Ending = Literal["approve", "visitor"]


@dataclass(frozen=True, slots=True)
class Character:
    """One agent. The internal one runs inside our workers, the others in this process by the SDK."""

    name: str
    call_sign: str
    capabilities: tuple[str, ...]
    model: str
    system: str
    dialect: Literal["openai", "anthropic"] = "openai"
    uses_tools: bool = False
    is_internal: bool = False


@dataclass(frozen=True, slots=True)
class Chapter:
    """One task. `script` steers the simulated model (`proxy/simulated/script.py`) from the agent's system prompt.

    `ending` says who reviews: our reviewer approves, or leaves it to the visitor. `changes` are what it wants first, a
    version each; with `drafts` the versions are these. Of `reviewers` all must approve: agents do so by themselves.
    An `approval` that nobody gives in time is a no. `hold` is why nobody may begin it yet; `parent` is a slug.
    """

    slug: str
    title: str
    brief: str
    agent: str
    needs: str
    blockers: tuple[str, ...] = ()
    priority: int = 3
    script: str = ""
    ending: Ending = "approve"
    review_after_seconds: float = 20.0
    changes: tuple[str, ...] = ()
    drafts: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    parent: str = ""
    hold: str = ""
    question: str = ""
    approval: str = ""
    approval_seconds: float = 180.0
    comment: str = ""
    gets_stuck: bool = False
    to_backlog: bool = False


CAST = (
    Character(
        "research",
        "RSC",
        ("research", "draft"),
        "gpt-5",
        "You are Research. Find figures, name the source of each one, and say what could not be found.",
        uses_tools=True,
    ),
    Character(
        "drafting",
        "DRF",
        ("draft",),
        "claude-opus-4-5",
        "You are Drafting. Write plain sections of a market report. Every figure needs a source.",
        dialect="anthropic",
    ),
    Character(
        "qa",
        "QA",
        ("check",),
        "gpt-5",
        "You are QA. Check every figure against its source, and say which ones do not hold.",
        uses_tools=True,
    ),
    Character(
        "publishing",
        "PUB",
        ("publish",),
        "claude-sonnet-4-5",
        "You are Publishing. Prepare finished texts for print and for the website.",
        dialect="anthropic",
    ),
    Character(
        "illustration",
        "ILL",
        ("illustrate",),
        "gpt-5",
        "You are Illustration. Describe charts and maps precisely enough to be drawn: data, axes, colours, caption. "
        '[[sim:tool read_table {"name": "market"}]]',
        is_internal=True,
    ),
)

CHAPTERS = (
    Chapter(
        "sales",
        "Collect sales figures for 2019–2026",
        "Collect the units sold in Finland, Sweden, Germany, France, Poland and the Netherlands, by year and quarter. "
        "One row a country, each with its source.",
        "research",
        "research",
        priority=1,
        script='[[sim:tool read_table {"name": "market"}]] [[sim:tool search {"query": "heat pump units sold third '
        'quarter"}]]',
        review_after_seconds=8,
    ),
    Chapter(
        "interviews",
        "Turn four interviews into findings",
        "Read the interviews with installers and sum up what they expect of prices and of waiting time this winter.",
        "research",
        "research",
        priority=1,
        script='[[sim:tool fetch_page {"url": "https://market.example/interviews/installers-2025"}]]',
        review_after_seconds=8,
    ),
    Chapter(
        "subsidies",
        "Collect subsidy rules for six countries",
        "For each of the six countries: what the state pays for a heat pump in 2026, to whom, and since when.",
        "research",
        "research",
        priority=2,
        script='[[sim:tool search {"query": "support for heat pumps 2026"}]] [[sim:tool fetch_page {"url": '
        '"https://market.example/support/2026/overview"}]]',
        review_after_seconds=8,
    ),
    Chapter(
        "sources",
        "Build the source table with links and dates",
        "One numbered row for each source of the report: title, link, the date on which it was read.",
        "qa",
        "check",
        priority=2,
        script='[[sim:tool search {"query": "heat pump prices support outlook"}]]',
        review_after_seconds=16,
    ),
    Chapter(
        "template",
        "Set up the page template",
        "A page for the website: title, summary, five sections, the source table, and a place for each chart.",
        "publishing",
        "publish",
        script="[[sim:slow 8]]",
        review_after_seconds=35,
    ),
    Chapter(
        "template-cover",
        "Template: the cover",
        "Title, subtitle, one picture, the date. Nothing else.",
        "publishing",
        "publish",
        priority=2,
        script="[[sim:slow 3]]",
        parent="template",
        review_after_seconds=10,
    ),
    Chapter(
        "template-table",
        "Template: the source table",
        "Three columns, numbers on the left, links that can be clicked.",
        "publishing",
        "publish",
        script="[[sim:slow 3]]",
        parent="template",
        review_after_seconds=30,
    ),
    Chapter(
        "introduction",
        "Draft the introduction",
        "Say in 150 words what the report is about, for whom it is, and what it leaves out.",
        "drafting",
        "draft",
        script="[[sim:slow 8]]",
        ending="visitor",
        reviewers=("qa", "@admin"),
        review_after_seconds=12,
    ),
    Chapter(
        "section-1",
        "Draft section 1: What was sold",
        "Write section 1: how many heat pumps were sold in the six countries, and what changed since last year.",
        "drafting",
        "draft",
        ("sales",),
        priority=1,
        script="[[sim:slow 11]]",
        review_after_seconds=32,
    ),
    Chapter(
        "section-2",
        "Draft section 2: Who buys and why",
        "Write section 2: who buys a heat pump, what decides it, and what keeps others from it. Use the interviews.",
        "drafting",
        "draft",
        ("interviews",),
        priority=1,
        script="[[sim:slow 11]]",
        ending="visitor",
    ),
    Chapter(
        "section-3",
        "Draft section 3: Prices and subsidies",
        "Write section 3 of the report, 600 to 800 words. Say what an installed heat pump costs in each of the six "
        "countries, what the state pays, and what is left for the household. Every figure carries a number from the "
        "source table. No forecasts; those belong to section 4.",
        "drafting",
        "draft",
        ("subsidies", "sources"),
        priority=2,
        script="[[sim:slow 12]]",
        gets_stuck=True,
    ),
    Chapter(
        "section-4",
        "Draft section 4: Outlook to 2030",
        "Write section 4: what the next years may bring, with the reasons for and against it.",
        "drafting",
        "draft",
        ("section-3",),
        script="[[sim:slow 11]]",
    ),
    Chapter(
        "chart",
        "Chart: units sold in each country",
        "A bar chart of units sold in the third quarter, six countries, with the change against last year.",
        "illustration",
        "illustrate",
        ("sales",),
        ending="visitor",
    ),
    Chapter(
        "map",
        "Illustrate the subsidy map",
        "A map of the six countries, coloured by the share of the price that the state pays. Finland is still open.",
        "illustration",
        "illustrate",
        ("subsidies",),
        review_after_seconds=40,
    ),
    Chapter(
        "prices",
        "Collect installer prices from 40 public price lists",
        "Read the public price lists and note the installed price of a heat pump for a detached house, by country.",
        "research",
        "research",
        script='[[sim:tool search {"query": "installed heat pump prices Germany"}]] [[sim:tool fetch_page {"url": '
        '"https://market.example/prices/germany/2025-q3"}]] [[sim:tool fetch_page {"url": '
        '"https://market.example/prices/poland/2025-q3"}]] [[sim:tool calculate {"expression": '
        '"(14900 + 16900) / 2"}]]',
        changes=PRICES_CHANGES,
        drafts=PRICES,
        review_after_seconds=20,
        comment="@admin two price lists disagree about Poland. I took the later one and noted both; "
        "please say if you want it otherwise.",
    ),
    Chapter(
        "check-1",
        "Fact-check section 1",
        "Check each figure of section 1 against the source table. List the ones that do not hold.",
        "qa",
        "check",
        ("section-1", "sources"),
        script='[[sim:tool read_table {"name": "market"}]] [[sim:tool calculate {"expression": "68200 / 1.224"}]]',
        review_after_seconds=35,
    ),
    Chapter(
        "price-list",
        "Check Poland against the paid price list",
        "The two public lists disagree. A third one is for sale; without it, say what stays open.",
        "qa",
        "check",
        ("check-1",),
        priority=4,
        approval="The list costs 40 €. May I order it?",
        review_after_seconds=30,
    ),
    Chapter(
        "check-2",
        "Fact-check section 2: Who buys and why",
        "Check each claim of section 2 against the interviews.",
        "qa",
        "check",
        ("section-2",),
        script='[[sim:tool fetch_page {"url": "https://market.example/interviews/installers-2025"}]]',
    ),
    Chapter(
        "check-3",
        "Fact-check section 3",
        "Check each price and each subsidy of section 3 against the source table.",
        "qa",
        "check",
        ("section-3",),
        priority=2,
        script='[[sim:tool read_table {"name": "market"}]]',
    ),
    Chapter(
        "title",
        "Choose the title",
        "Propose a title and a subtitle for the report. A person has the last word.",
        "publishing",
        "publish",
        priority=4,
        script="[[sim:slow 4]]",
        question="Two titles fit: ‘Who pays for the heat?’ or ‘Six countries, one pump’. Which one?",
        review_after_seconds=15,
    ),
    Chapter(
        "layout",
        "Lay out the PDF",
        "Set all sections, the chart and the map into the page template.",
        "publishing",
        "publish",
        ("section-4", "chart", "map", "check-3"),
        script="[[sim:slow 7]]",
    ),
    Chapter(
        "website",
        "Publish to the website",
        "Put the finished report on the website and check every link.",
        "publishing",
        "publish",
        ("layout", "title"),
        script="[[sim:slow 6]]",
    ),
    Chapter(
        "press",
        "Write to the press list",
        "Five sentences about what is new in the report, with a link.",
        "drafting",
        "draft",
        priority=5,
        hold="Not before the report is out.",
    ),
    Chapter(
        "refresh",
        "Refresh the price table next quarter",
        "Read the price lists again when the fourth quarter is out.",
        "research",
        "research",
        priority=5,
        to_backlog=True,
    ),
)

# A task that comes again, every Monday morning.
RECURRING = {
    "title": "Collect this week's news on heat pumps",
    "cron": "0 7 * * 1",
    "time_zone": "Europe/Berlin",
    "template": {"brief": "Five lines, each with its source.", "needs": ["research"], "priority": 4},
}
