"""The small world the simulated tools know: the heat pump market of six countries. Every figure is invented."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """One row of the source table. Prices are euros, installed, for a detached house."""

    name: str
    price_from: int
    price_to: int
    support: str
    support_percent: int
    sold: int  # units in the third quarter
    change_percent: float  # against the third quarter before
    wait_weeks: int


COUNTRIES = (
    Country("Finland", 9_800, 14_200, "not confirmed for 2026", 0, 31_400, -4.1, 5),
    Country("Sweden", 11_400, 15_100, "tax deduction of 30 % of labour", 18, 27_900, 1.8, 6),
    Country("Germany", 14_900, 16_900, "grant of up to 21,000 euros", 41, 68_200, 22.4, 11),
    Country("France", 12_300, 15_800, "grant by income, up to 5,000 euros", 33, 54_600, -9.7, 9),
    Country("Poland", 8_900, 12_600, "loan and grant under the clean air programme", 38, 22_100, -18.3, 4),
    Country("Netherlands", 11_900, 14_400, "fixed subsidy per appliance", 24, 19_700, 6.2, 7),
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the simulated web."""

    path: str
    title: str
    text: str


def _price_page(country: Country) -> Page:
    return Page(
        f"/prices/{country.name.lower()}/2025-q3",
        f"Installed heat pump prices in {country.name}, third quarter 2025",
        f"{country.name}: a heat pump for a detached house cost between {country.price_from:,} and "
        f"{country.price_to:,} euros installed. Support: {country.support}. {country.sold:,} units were sold, "
        f"{country.change_percent:+.1f} % against the year before. Installers ask for {country.wait_weeks} weeks.",
    )


FORBIDDEN_PATH = "/support/2026/amounts"  # the demonstration's stuck agent runs against this door

PAGES = (
    *(_price_page(country) for country in COUNTRIES),
    Page(
        "/support/2026/overview",
        "Support for heat pumps in 2026: what has been decided",
        "Five of the six countries have published their 2026 amounts. They cover between 18 and 41 per cent of the "
        "installed price. Finland's amount is listed on a page of its own and is open to registered installers only.",
    ),
    Page(FORBIDDEN_PATH, "Support amounts 2026, by country", ""),
    Page(
        "/interviews/installers-2025",
        "Fourteen installers on the coming winter",
        "Eleven of the fourteen installers interviewed expect prices to hold until spring; three expect a fall of less "
        "than five per cent. Nine of them name waiting time as the first obstacle, four the price of electricity.",
    ),
    Page(
        "/outlook/2026",
        "Outlook for the heat pump market in 2026",
        "Analysts expect 4 to 7 per cent more units in the six countries, most of it in Germany and the Netherlands. "
        "The price of electricity against gas explains more of the difference between countries than support does.",
    ),
)


NOTES = (
    "Where support is paid as a tax credit, households wait seven months on average before they see the money.",
    "Germany grew fastest in the quarter, by 22.4 per cent; Poland lost 18.3 per cent.",
    "Waiting time is longest in Germany, at eleven weeks, and shortest in Poland, at four.",
    "Eleven of the fourteen installers interviewed expect prices to hold until spring.",
    "The price of electricity against gas explains more of the difference between countries than support does.",
    "Five of the six countries have published their amounts for 2026.",
)


def table_rows() -> list[dict[str, object]]:
    """The source table, a row a country."""
    return [
        {
            "country": country.name,
            "price_from_eur": country.price_from,
            "price_to_eur": country.price_to,
            "support": country.support,
            "support_percent": country.support_percent,
            "units_q3": country.sold,
            "change_percent": country.change_percent,
            "wait_weeks": country.wait_weeks,
        }
        for country in COUNTRIES
    ]


def facts_about(text: str) -> list[str]:
    """Sentences that a draft on this subject can use; none when it is about something else."""
    words = text.lower()
    named = [country for country in COUNTRIES if country.name.lower() in words]
    if not named and "heat pump" not in words:
        return []
    return [_fact(country) for country in named or COUNTRIES]


def _fact(country: Country) -> str:
    if not country.support_percent:
        return (
            f"**{country.name}**: {country.price_from:,} to {country.price_to:,} euros installed; "
            "the 2026 support could not be confirmed."
        )
    return (
        f"**{country.name}**: {country.price_from:,} to {country.price_to:,} euros installed, of which the state pays "
        f"about {country.support_percent} per cent ({country.support})."
    )
