"""The data plane: every model call and every tool call of every agent passes through here.

Words: a **call** is one logical request of a client, its **attempts** the upstream tries; a **dialect** is a wire
format, a **provider** a destination; a **principal** is who is calling; a **record** is what the log keeps of a call.
Usable alone (`python -m proxy serve`). It knows no database and no Temporal, only its own ports.
"""
