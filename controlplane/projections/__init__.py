"""SQL's copy of what task workflows decided.

One function writes it, for the API's write-through and for the workers' activity alike. It may be called twice, late
and out of order: rows are guarded by execution and revision, events are kept whenever they arrive.
"""
