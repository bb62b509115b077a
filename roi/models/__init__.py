"""The calculator's tables."""

from roi.models.case import LONGEST_CASE, BusinessCase, CaseStudy, CaseSubmission, Scenario
from roi.models.forecast import Forecast, ForecastScore
from roi.models.price import PriceOverride
from roi.models.snapshot import FIGURES, Snapshot, SnapshotHead

__all__ = [
    "FIGURES",
    "LONGEST_CASE",
    "BusinessCase",
    "CaseStudy",
    "CaseSubmission",
    "Forecast",
    "ForecastScore",
    "PriceOverride",
    "Scenario",
    "Snapshot",
    "SnapshotHead",
]
