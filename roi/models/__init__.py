"""The calculator's tables."""

from roi.models.case import LONGEST_CASE, BusinessCase, CaseStudy, CaseSubmission, Scenario
from roi.models.forecast import Forecast, ForecastScore
from roi.models.pool import Pool, PoolMember, PoolTerms
from roi.models.price import PriceOverride
from roi.models.reallocation import Reallocation, RememberedReallocation
from roi.models.snapshot import FIGURES, Snapshot, SnapshotHead

__all__ = [
    "FIGURES",
    "LONGEST_CASE",
    "BusinessCase",
    "CaseStudy",
    "CaseSubmission",
    "Forecast",
    "ForecastScore",
    "Pool",
    "PoolMember",
    "PoolTerms",
    "PriceOverride",
    "Reallocation",
    "RememberedReallocation",
    "Scenario",
    "Snapshot",
    "SnapshotHead",
]
