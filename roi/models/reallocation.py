"""Proposals of which investments to go on with: written once, with everything they were computed from."""

from django.db import models

from portfolio.models import Portfolio, User
from portfolio.models.base import AppendOnly, PublicId


class Reallocation(AppendOnly, PublicId):
    """A scenario: candidates and limits as they were, and the selection that follows. It moves no budget."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="reallocations")
    knowledge = models.BigIntegerField(help_text="Knowledge time of the facts.")
    engine_version = models.PositiveSmallIntegerField()
    inputs = models.JSONField(help_text="Limits and candidates; money in micro-units.")
    content_hash = models.CharField(max_length=64, help_text="SHA-256 of inputs and result.")
    result = models.JSONField(help_text="Selection, next amount, frontier, regret; money in micro-units.")
    reason = models.TextField(blank=True)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["portfolio", "-id"], name="reallocation_latest")]

    def __str__(self) -> str:
        return f"reallocation of {self.portfolio_id} at {self.knowledge}"


class RememberedReallocation(models.Model):
    """An answer that was solved lately, by what it was computed from, so that a page turned is not solved again."""

    key = models.CharField(max_length=64, primary_key=True, help_text="SHA-256 of inputs and engine version.")
    result = models.JSONField(help_text="As of a reallocation.")
    solved_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"reallocation solved at {self.solved_at}"
