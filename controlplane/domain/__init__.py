"""What a task is: states, commands, events, and the two pure functions between them.

`decide(state, command) -> events | refusal` and `evolve(state, event) -> state`. No clock, no I/O, no ids made here:
time, randomness and ids are handed in. Values are frozen `msgspec.Struct`s, which are to us frozen slotted dataclasses
whose JSON form (for Temporal, SQL and the API) comes with the type and is checked when read.
"""
