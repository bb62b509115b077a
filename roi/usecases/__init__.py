"""The business-case templates: pure modules, each registered by one line here. `base` says what a template is."""

from roi.usecases import conversational_agent, customer_support, generic_llm
from roi.usecases.base import Template

TEMPLATES: dict[str, Template] = {
    template.name: template
    for template in (
        generic_llm.TEMPLATE,
        customer_support.TEMPLATE,
        conversational_agent.TEMPLATE,
    )
}
