"""Placeholder of the places tagger: finds nothing yet."""

from collections.abc import Sequence
from pathlib import Path

from transforms.taggers import Document, Tags


class PlacesTagger:
    """Countries, primary country and places."""

    version = "0"

    def __init__(self, overlays: Sequence[Path] = ()) -> None:
        pass

    def tag(self, document: Document, found: Tags) -> Tags:
        return found
