"""Bytes: how frames of a stream are cut, and how a JSON text is changed in one place and nowhere else."""
