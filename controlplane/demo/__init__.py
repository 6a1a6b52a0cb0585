"""A small, credible project that four SDK agents and one in our workers bring to its end, without key or network.

Words: the **cast** are the agents, a **chapter** is one task of the story, the **stage** is the running product.
The cast uses what everybody else uses: the SDK, the gateway, the JSON API. One of them gets stuck on purpose.
"""
