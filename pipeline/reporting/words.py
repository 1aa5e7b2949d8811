"""Plain words for the names the other stages use; a name that is not listed is shown with its underscores opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

CANDIDATES = {
    "ours": "Our model",
    "recency_rule": "Recency rule",
    "logistic": "Logistic regression",
    "bgnbd": "BG/NBD",
    "mbgnbd": "MBG/NBD",
    "xgboost": "XGBoost alone",
    "xgboost_deep": "XGBoost, deeper",
    "xgboost_btyd": "XGBoost with BG/NBD",
    "xgboost_fading": "XGBoost with fading interest",
    "blend": "Blend of BG/NBD, logistic and trees",
    "blend_levelled": "Blend at the level of BG/NBD",
}
METRICS = {
    "roc_auc": ("AUC", "chance that a leaver is ranked above a stayer; a half is guessing", "higher"),
    "pr_auc": ("PR-AUC", "precision averaged over all recall levels; guessing gives the churn rate", "higher"),
    "brier": ("Brier score", "mean squared error of the probability", "lower"),
    "log_loss": ("Log loss", "surprise per customer; the models are chosen by it", "lower"),
    "calibration_error": ("Calibration error", "mean gap between promised and observed rate", "lower"),
    "lift_top_decile": ("Lift, top decile", "churn rate among the most at risk tenth, over the base rate", "higher"),
    "skill": ("Skill", "share of the log loss of a constant guess that is gone; none is zero", "higher"),
}
ABSENT = {
    "order_id": ("order ids", "they were built from customer and time; orders of one moment count as one"),
    "revenue": ("revenue", "every money figure, value at risk and the value of an action are left out"),
    "discount": ("discounts", "features about discount habits are left out"),
    "units": ("units per order", "features about basket size are left out"),
    "order_items": ("order lines", "features about products and novelty are left out"),
    "engagement": ("engagement", "risk is read from orders alone; visits, e-mails and tickets cannot warn earlier"),
    "customers": ("customer records", "consent and time zones are not on record; the policy says what is assumed"),
    "time_of_day": ("the time of day", "orders of one day have no order among themselves"),
}
GATES = {
    "paused": "sending is switched off",
    "suppressed": "asked not to be contacted, or to be forgotten",
    "no_consent": "no consent on record for the channels we would use",
    "control": "in the control group: left alone on purpose, so that the effect of contacting can be measured",
    "complaint_breaker": "complaints were too frequent, so nothing is sent to anybody",
    "open_order": "ordered in the last days; the parcel comes first",
    "open_ticket": "is waiting for an answer from service",
    "open_return": "has a return under way",
    "stale_data": "the data is too old to decide on",
    "refused_model": "there is no trusted score for this customer",
    "frequency_cap": "has had as many messages lately as we allow",
    "no_action": "no action in the policy fits: too early, too late, or risk too low",
    "ask_ratio": "only a sales message was left, and those are capped per person",
    "quiet_hours": "it stays night there until the offer ends",
    "cooldown": "had the fitting action not long ago",
    "low_value": "contacting would cost more than it brings",
    "action_control": "in the control group of the fitting action, so that its effect can be measured",
    "budget": "fits, but the budget for contacts was used up",
}

EFFECT_STATES = {"measured": "measured", "learning": "still learning"}
LEARNERS = {
    "constant": "one number for everybody",
    "t": "T-learner: who they are matters",
    "x": "X-learner: who they are matters",
}
# Reasons that are not a column of the catalogue.
FEATURES = {"btyd_no_order": "Chance of no order that the buying rhythm alone gives (BG/NBD)."}


def opened(name: object) -> str:
    """`win_back_discount` as Win back discount."""
    text = str(name).replace("_", " ")
    return text[:1].upper() + text[1:]


def in_order(names: Sequence[object], known: Mapping[str, object]) -> list[object]:
    """Names in the order of `known`, then those it does not have."""
    listed = [name for name in known if name in names]
    return [*listed, *(name for name in names if name not in known)]


def candidate(name: object) -> str:
    """A model's name for people."""
    return CANDIDATES.get(str(name), opened(name))


def trail(steps: Sequence[object]) -> str:
    """A path within a file for people: every step but plain list places."""
    return " · ".join(opened(step) for step in steps if not isinstance(step, int))
