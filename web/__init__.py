"""Pages for people: HTML, server-rendered, live.

Words: a **page** is a whole document, a **fragment** a block of a page's template that has an id, a **view** the typed
context a fragment is rendered from.
"""
