"""From the spool to SQL: every call's row, its body, the roll-ups of its run, and who was last seen when.

`python -m controlplane.recorder` runs beside each proxy. A **segment** is one file of the spool, its **writer** the
proxy process that made it; a **roll-up** is what a run has used, always derived anew from its calls, never added to.
"""
