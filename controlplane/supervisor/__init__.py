"""Starts Pointsman's processes, keeps them alive and stops them; holds no truth of its own.

Words: a **child** is a process we started, its **specification** says how and when it is ready; the **lifeline** is a
pipe whose closing tells every child that we died; the **shim** gives a lifeline to programs that are not ours;
**preparing** is what must happen before the first child (secrets, migrations, the first person); the **run file**
(`run.json`) says what runs, where, since when. Standard library only here: this process lives as long as the product
and should weigh nothing.
"""
