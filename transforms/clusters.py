"""Which cluster an article is in: the last step of deduplication, over ids and numbers alone, in order of arrival.

A copy joins the cluster of its single best earlier match and clusters never merge, so one round-up cannot glue stories
together.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

from transforms.copies import Candidate, Match, best_match
from transforms.schema import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Columns of a row that tell whom it copies."""

    cluster_id: str
    duplicate_of: str | None = None
    duplicate_kind: str | None = None
    duplicate_score: float | None = None

    def on(self, article: Article) -> Article:
        """The row with these columns."""
        return dataclasses.replace(
            article,
            cluster_id=self.cluster_id,
            duplicate_of=self.duplicate_of,
            duplicate_kind=self.duplicate_kind,
            duplicate_score=self.duplicate_score,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What is known of an article's first version before it is placed: the candidates of its text as it stands, and,
    where it has enough furniture for a difference, those of the text without."""

    whole: Sequence[Candidate] = ()
    bare: Sequence[Candidate] = ()


@dataclass(slots=True)
class Clusters:
    """Where the articles placed so far are; of others, a candidate tells the cluster it is stored in."""

    placements: dict[str, Placement] = field(default_factory=dict)

    def match(self, compared: Comparison) -> Match | None:
        """Whom an article copies. The text is tried as it stands first: that finds the copies a host prints of its own
        article, whose lines all look like furniture."""
        match = best_match(compared.whole, self._cluster_of)
        if match is not None and match.kind == "exact":
            return match
        return best_match(compared.bare, self._cluster_of) or match

    def place(self, article_id: str, match: Match | None) -> Placement:
        """The placement of a new article, remembered for its later versions and copies."""
        placement = Placement(cluster_id=article_id)
        if match is not None:
            placement = Placement(
                cluster_id=match.cluster_id,
                duplicate_of=match.cluster_id,
                duplicate_kind=match.kind,
                duplicate_score=match.score,
            )
        self.placements[article_id] = placement
        return placement

    def _cluster_of(self, candidate: Candidate) -> str:
        placement = self.placements.get(candidate.article_id)
        return placement.cluster_id if placement else candidate.cluster_id
