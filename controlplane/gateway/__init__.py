"""The proxy composed with the control plane: policy straight from SQL, records to the spool.

`python -m controlplane.gateway` is the product's proxy process. It reads the control database and writes nothing there
but its own row in `processes`: whatever it learns about calls goes up through the spool and the recorder.
"""
