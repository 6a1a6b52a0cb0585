"""What each wire format says about an answer: usage, why it stopped, which model, whether it is complete.

Readers are sans-io: they are fed frames or a whole body and know no socket. They never change a byte.
"""
