"""The HTML beside a draft's plain text, where the shop wants it. A letter's draft stays plain: paper has its layout."""

from intake.config import Shop
from intake.errors import TemplateError
from intake.pipeline.house import House
from intake.replies.html_part import to_html
from storage.models import Channel, Draft


def html_beside(house: House, shop: Shop, draft: Draft) -> str:
    """The HTML of a draft, or nothing where it is to be plain. A layout of the shop's that cannot be used gives way to
    the delivered one, and a text that is too long for either stays plain."""
    if shop.format != "html" or draft.channel is not Channel.MAIL:
        return ""
    for templates in (house.templates[shop.id], house.delivered):
        try:
            return to_html(draft.subject, draft.body, draft.quote, draft.language, templates)
        except TemplateError as error:
            house.log.error("layout cannot be used", shop=shop.id, draft=draft.token, problem=str(error))
    return ""
