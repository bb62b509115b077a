"""The tables of the ground floor."""

from portfolio.models.approval import Approval
from portfolio.models.calendar import Absence, Holiday
from portfolio.models.hypothesis import Baseline, Differentiation, Hypothesis, StrategicTerms
from portfolio.models.investment import (
    Deployment,
    Investment,
    InvestmentDependency,
    InvestmentVersion,
    PlanApproval,
)
from portfolio.models.ledger import Account, AccountVersion, Batch, Cell, Entry, FxRate, Head
from portfolio.models.portfolio import Assumptions, MonthState, Portfolio
from portfolio.models.review import Decision, Review, ScorecardThresholds, StageChange
from portfolio.models.source import IdempotencyKey, ImportRun, StagedRow
from portfolio.models.user import Membership, User

__all__ = [
    "Absence",
    "Account",
    "AccountVersion",
    "Approval",
    "Assumptions",
    "Baseline",
    "Batch",
    "Cell",
    "Decision",
    "Deployment",
    "Differentiation",
    "Entry",
    "FxRate",
    "Head",
    "Holiday",
    "Hypothesis",
    "IdempotencyKey",
    "ImportRun",
    "Investment",
    "InvestmentDependency",
    "InvestmentVersion",
    "Membership",
    "MonthState",
    "PlanApproval",
    "Portfolio",
    "Review",
    "ScorecardThresholds",
    "StageChange",
    "StagedRow",
    "StrategicTerms",
    "User",
]
