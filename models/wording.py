"""A reason in words that a marketer reads: `days_since_last_order` 94 as "silent 94 days; usual gap 21".

Every built-in column has its phrase here, by its name without the window; a feature of the shop's own is its name with
the underscores opened. Direction is not part of a phrase: who shows it says whether it raises or lowers the risk.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

USUAL_GAP = "gap_mean_days"
WINDOW = re.compile(r"^(?P<base>.+?)_(?:(?P<days>\d+)d|ever)$")
Phrase = tuple[str, str]  # with a value, without one


def _ago(what: str, never: str) -> Phrase:
    return f"last {what} {{whole}} days ago", f"no {never} so far"


def _counted(one: str, many: str) -> Phrase:
    return f"{{whole}} {{one:{one}|{many}}} {{window}}", f"no {many} on record"


PHRASES: Mapping[str, Phrase] = {
    "days_since_last_order": ("silent {whole} days{usual}", "no order on record"),
    "days_since_last_session": _ago("visit", "visit"),
    "days_since_last_product_view": _ago("look at a product", "look at a product"),
    "days_since_last_cart_add": _ago("product put into the cart", "product put into the cart"),
    "days_since_last_email_open": _ago("e-mail opened", "e-mail opened"),
    "days_since_last_push_open": _ago("push message opened", "push message opened"),
    "days_since_last_email_click": _ago("click in an e-mail", "click in an e-mail"),
    "days_since_last_engagement": _ago("sign of interest", "sign of interest"),
    "days_since_last_refund": _ago("refund", "refund"),
    "days_since_last_cancellation": _ago("cancelled order", "cancelled order"),
    "days_since_last_touch": _ago("message from us", "message from us"),
    "orders": _counted("order", "orders"),
    "occasions": _counted("shopping day", "shopping days"),
    "spend": ("spent {money} {window}", "nothing spent {window}"),
    "order_value_mean": ("mean order {money} {window}", "no order {window}"),
    "order_value_largest": ("largest order {money}", "no order value on record"),
    "order_value_last": ("last order {money}", "no order value on record"),
    "order_value_spread": ("orders differ in value (spread {ratio})", "no order value on record"),
    "tenure_days": ("customer for {whole} days", "no order on record"),
    "occasions_per_year": ("{ratio} shopping days a year", "no order on record"),
    "second_order_after_days": ("second order came after {whole} days", "one order only"),
    "gap_mean_days": ("usual gap between orders {whole} days", "one shopping day only, so no usual gap"),
    "gap_spread_days": ("gaps between orders differ by {whole} days", "one shopping day only, so no usual gap"),
    "gap_cv": ("gaps between orders differ by {ratio} times their mean", "one shopping day only, so no usual gap"),
    "gap_longest_days": ("longest gap between orders {whole} days", "one shopping day only, so no usual gap"),
    "gap_last_days": ("last gap between orders {whole} days", "one shopping day only, so no usual gap"),
    "silence_over_gap_mean": ("silent {ratio} times the usual gap", "one shopping day only, so no usual gap"),
    "silence_over_gap_longest": ("silent {ratio} times the longest gap", "one shopping day only, so no usual gap"),
    "session_gap_mean_days": ("usual gap between visits {whole} days", "fewer than two visits, so no usual gap"),
    "silence_over_session_gap": ("no visit for {ratio} times the usual gap", "fewer than two visits, so no usual gap"),
    "silence_over_interest_gap": (
        "no sign of interest for {ratio} times the usual gap",
        "fewer than two signs of interest, so no usual gap",
    ),
    "silence_over_email_open_gap": (
        "no e-mail opened for {ratio} times the usual gap",
        "fewer than two e-mails opened, so no usual gap",
    ),
    "sessions_pace": ("recent visits are worth {whole} days of the usual pace", "no visits on record"),
    "visits_alone": _counted("visit without an order", "visits without an order"),
    "days_since_first_session": ("first visit {whole} days ago", "no visit so far"),
    "sessions_over_usual": ("{share} of the usual visits {window}", "no earlier visits to compare"),
    "orders_decayed": ("recent orders count {ratio} (half after {days} days)", "no orders on record"),
    "spend_decayed": ("recent spend counts {money} (half after {days} days)", "nothing spent so far"),
    "sessions_decayed": ("recent visits count {ratio} (half after {days} days)", "no visits on record"),
    "interest_decayed": ("recent interest counts {ratio} (half after {days} days)", "no interest on record"),
    "orders_trend": ("{signed} orders against the {days} days before", "no orders to compare"),
    "spend_trend": ("{signed_money} spent against the {days} days before", "no spend to compare"),
    "sessions_trend": ("{signed} visits against the {days} days before", "no visits to compare"),
    "emails_opened_trend": ("{signed} e-mails opened against the {days} days before", "no e-mails to compare"),
    "units_per_order": ("{ratio} units in a mean order {window}", "no order {window}"),
    "products_per_order": ("{ratio} products in a mean order", "no products on record"),
    "categories_per_order": ("{ratio} categories in a mean order", "no products on record"),
    "products_tried": ("{whole} different products so far", "no products on record"),
    "new_product_share": ("{share} of products {window} never bought before", "no products {window}"),
    "discount_share": ("discount of {share} {window}", "no order {window}"),
    "discounted_orders_share": ("{share} of orders {window} with a discount", "no order {window}"),
    "refunds": _counted("refund", "refunds"),
    "refund_share": ("{share} of order value refunded {window}", "no order {window}"),
    "cancellations": _counted("order cancelled", "orders cancelled"),
    "sessions": _counted("visit", "visits"),
    "product_views": _counted("product looked at", "products looked at"),
    "searches": _counted("search", "searches"),
    "cart_adds": _counted("product put into the cart", "products put into the cart"),
    "sessions_per_order": ("{ratio} visits for each order {window}", "no order {window}"),
    "views_per_session": ("{ratio} products looked at in a visit {window}", "no visit {window}"),
    "emails_sent": _counted("e-mail sent", "e-mails sent"),
    "emails_opened": _counted("e-mail opened", "e-mails opened"),
    "emails_clicked": _counted("click in an e-mail", "clicks in e-mails"),
    "email_open_rate": ("{share} of e-mails {window} opened", "no e-mail sent {window}"),
    "email_open_rate_decayed": ("{share} of recent e-mails opened (half after {days} days)", "no e-mail sent so far"),
    "email_click_rate": ("{share} of e-mails {window} clicked", "no e-mail sent {window}"),
    "pushes_opened": _counted("push message opened", "push messages opened"),
    "unsubscribes": ("unsubscribed {whole} {one:time|times}", "never unsubscribed"),
    "spam_complaints": ("complained of spam {whole} {one:time|times}", "never complained of spam"),
    "tickets_opened": _counted("support ticket opened", "support tickets opened"),
    "tickets_open": ("{whole} support {one:ticket|tickets} still open", "no support ticket on record"),
    "reviews": _counted("review written", "reviews written"),
    "review_mean": ("mean rating {ratio} of 5 in reviews", "no review so far"),
    "nps_mean": ("would recommend us: {ratio} of 10", "never asked whether they would recommend us"),
    "referrals": _counted("friend referred", "friends referred"),
    "loyalty_redeemed": _counted("loyalty reward redeemed", "loyalty rewards redeemed"),
    "touches": _counted("message received from us", "messages received from us"),
    "season_sine": ("the time of the year", "the time of the year"),
    "season_cosine": ("the time of the year", "the time of the year"),
    "season_peak_share": ("{share} of the time ahead lies in October to December", "the time of the year"),
    "season_summer_share": ("{share} of the time ahead lies in June to August", "the time of the year"),
    "btyd_x": ("{whole} {one:shopping day|shopping days} after the first", "no order on record"),
    "btyd_t_x": ("{whole} days from the first to the last shopping day", "no order on record"),
    "btyd_T": ("{whole} days since the first order", "no order on record"),
    "btyd_no_order": ("by the buying rhythm alone, {share} would not order", "no buying rhythm on record"),
}


def worded(feature: str, value: float, seen: Mapping[str, float] | None = None) -> str:
    """The phrase of a feature's value (NaN: empty); `seen`: other values of that customer, for the usual gap."""
    base, days = _parted(feature)
    filled, empty = PHRASES.get(base, (f"{_opened(base)} {{ratio}} {{window}}", f"{_opened(base)}: nothing on record"))
    window = f"in the last {days} days" if days else ("so far" if base != feature else "")
    phrase = _plural(filled, value) if not math.isnan(value) else empty
    return " ".join(
        phrase.format_map({**_written(value), "window": window, "days": days, "usual": _usual(seen)}).split()
    )


def _parted(feature: str) -> tuple[str, str | None]:
    found = WINDOW.match(feature)
    return (found["base"], found["days"]) if found and feature not in PHRASES else (feature, None)


def _written(value: float) -> dict[str, str]:
    if math.isnan(value):
        return {}
    return {
        "whole": f"{value:,.0f}",
        "ratio": f"{value:,.1f}" if abs(value) >= 0.05 or value == 0 else f"{value:.2f}",
        "money": f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}",
        "share": f"{100 * value:.0f} %",
        "signed": f"{value:+,.0f}" if value else "as many",
        "signed_money": f"{value:+,.2f}" if abs(value) < 100 else f"{value:+,.0f}",
    }


def _plural(phrase: str, value: float) -> str:
    return re.sub(r"\{one:([^|]*)\|([^}]*)\}", lambda found: found[1 if round(value) == 1 else 2], phrase)


def _usual(seen: Mapping[str, float] | None) -> str:
    gap = math.nan if seen is None else seen.get(USUAL_GAP, math.nan)
    return "" if math.isnan(gap) else f"; usual gap {gap:,.0f}"


def _opened(name: str) -> str:
    return name.replace("_", " ")
