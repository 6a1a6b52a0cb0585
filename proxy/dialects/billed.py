"""What providers say that a call costs, in nano-USD. Few do; whoever says it is believed before any price list.

| who | where | in | source, November 2026 |
|---|---|---|---|
| xAI | `cost_in_usd_ticks` | 1e-10 dollars | https://docs.x.ai/docs/key-information/consumption-and-rate-limits |
| OpenRouter | `cost` | dollars | https://openrouter.ai/docs/use-cases/usage-accounting |
| Perplexity | `cost.total_cost` | dollars | https://docs.perplexity.ai/api-reference/chat-completions-post |

OpenRouter's `cost` of a call on one's own key (`is_byok`) is its fee alone: the provider behind it bills
`cost_details.upstream_inference_cost` beside that.
"""

from decimal import ROUND_HALF_EVEN, Decimal

from proxy.dialects.reading import member

_TICKS_PER_USD = 10**10
_MOST_USD = 10**6  # for one call; beyond it a bill is nonsense


def billed_usd(cost: object, ticks: object = None, details: object = None, is_byok: object = None) -> Decimal | None:
    """The exact sum, or None when nothing is said. A float is taken as it is written, not as it is stored."""
    if type(ticks) is int and 0 <= ticks <= _MOST_USD * _TICKS_PER_USD:
        return Decimal(ticks) / _TICKS_PER_USD
    said = _amount(member(cost, "total_cost") if isinstance(cost, dict) else cost)
    if said is None or not is_byok:
        return said
    return said + (_amount(member(details, "upstream_inference_cost")) or 0)


def to_nano_usd(usd: Decimal | None) -> int | None:
    return None if usd is None else int((usd * 10**9).to_integral_value(ROUND_HALF_EVEN))


def _amount(said: object) -> Decimal | None:
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    amount = Decimal(str(said))
    return amount if amount.is_finite() and 0 <= amount <= _MOST_USD else None
