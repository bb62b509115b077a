"""The tables of the ground floor."""

from portfolio.models.approval import Approval
from portfolio.models.calendar import Absence, Holiday
from portfolio.models.hypothesis import Hypothesis
from portfolio.models.investment import Deployment, Investment, InvestmentVersion, PlanApproval
from portfolio.models.ledger import Account, AccountVersion, Batch, Cell, Entry, FxRate, Head
from portfolio.models.portfolio import Assumptions, MonthState, Portfolio
from portfolio.models.source import IdempotencyKey, ImportRun, StagedRow
from portfolio.models.user import Membership, User

__all__ = [
    "Absence",
    "Account",
    "AccountVersion",
    "Approval",
    "Assumptions",
    "Batch",
    "Cell",
    "Deployment",
    "Entry",
    "FxRate",
    "Head",
    "Holiday",
    "Hypothesis",
    "IdempotencyKey",
    "ImportRun",
    "Investment",
    "InvestmentVersion",
    "Membership",
    "MonthState",
    "PlanApproval",
    "Portfolio",
    "StagedRow",
    "User",
]
