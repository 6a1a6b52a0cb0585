"""Contents in files: whole ones under their SHA-256 (`directory`), half-arrived ones by upload (`parts`)."""

from controlplane.blobs.directory import DirectoryBlobs
from controlplane.blobs.parts import DirectoryParts

__all__ = ["DirectoryBlobs", "DirectoryParts"]
