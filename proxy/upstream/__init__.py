"""Our own HTTP/1.1 client towards providers: the one place where our code stands where a library could.

Every Python client measured costs 2 to 100 times as much on this path (bench/README.md). A **pool** keeps the
connections to one **origin**, an **attempt** is one try of a call: its request out, its answer in.
"""
