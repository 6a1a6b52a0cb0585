"""AgentCenter's five endpoints over our own commands: an agent written for it works here by changing its URL.

Nothing happens in this package that `/api/v1` could not do. It translates words (`words.py`), finds out which agent is
meant (`identity.py`), and answers in the shapes that such agents read. What they may send besides is ignored, as it is
there; times that they send are never believed.
"""
