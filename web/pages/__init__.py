"""Routes for people. HTML only; a form works without scripts (redirect) and with them (fragments)."""
