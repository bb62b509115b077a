"""The registry of rules: a new rule is its module and one line here."""

from alerts.rules.base import Defaults, Rule
from alerts.rules.breakeven import BREAKEVEN_LOST, BREAKEVEN_OVERDUE, BREAKEVEN_REACHED
from alerts.rules.early_warning import EARLY_WARNING
from alerts.rules.hurdle_rate import HURDLE_RATE
from alerts.rules.missing_actuals import MISSING_ACTUALS
from alerts.rules.negative_roi import NEGATIVE_ROI

RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        BREAKEVEN_REACHED,
        BREAKEVEN_LOST,
        BREAKEVEN_OVERDUE,
        HURDLE_RATE,
        NEGATIVE_ROI,
        MISSING_ACTUALS,
        EARLY_WARNING,
    )
}
DEFAULTS: dict[str, Defaults] = {name: rule.defaults for name, rule in RULES.items()}
