"""What a task is, who may do what, and what happened.

Words: a **command** asks, an **event** says what happened, a **projection** is SQL's copy of a workflow's truth, the
**outbox** orders all changes, the **feed** tells those who wait for one. A library room; its processes are the
supervisor, the gateway and the recorder.
"""
