"""Stored forecasts: made from closed months, kept as they were made, scored when the months have come."""

from roi.forecasts.calibrations import Calibration, calibration
from roi.forecasts.making import find_stale, refresh
from roi.forecasts.scores import score

__all__ = ["Calibration", "calibration", "find_stale", "refresh", "score"]
