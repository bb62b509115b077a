"""The business-case templates: pure modules, each registered by one line here. `base` says what a template is."""

from roi.usecases import (
    coding_assistant,
    contact_center,
    conversational_agent,
    customer_support,
    edge_logistics,
    fraud,
    generic_llm,
    quality_control,
)
from roi.usecases.base import Template

TEMPLATES: dict[str, Template] = {
    template.name: template
    for template in (
        generic_llm.TEMPLATE,
        coding_assistant.TEMPLATE,
        customer_support.TEMPLATE,
        conversational_agent.TEMPLATE,
        fraud.TEMPLATE,
        quality_control.TEMPLATE,
        contact_center.TEMPLATE,
        edge_logistics.TEMPLATE,
    )
}
