"""`reports/model_card.md`: what the model is, fitted on what, how good, and its limits (after Mitchell et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping

from features.kinds import ENGAGEMENT_KINDS
from models.plain import Json, texts
from pipeline.params import Params
from pipeline.summary import NAMES, Tree, interval, number, tree

KINDS = {
    "recency_rule": "a curve over the days since the last order",
    "logistic": "logistic regression on logarithms of the features",
    "bgnbd": "BG/NBD, a buy-till-you-die model of the order times alone",
    "mbgnbd": "MBG/NBD, the same where first-time buyers may be gone at once",
    "xgboost": "gradient-boosted trees (XGBoost)",
    "xgboost_deep": "deeper and slower gradient-boosted trees (XGBoost)",
    "xgboost_btyd": "gradient-boosted trees on top of the BG/NBD log odds",
    "xgboost_fading": "gradient-boosted trees on top of a model of lifetimes and fading interest",
    "blend": "the mean log odds of BG/NBD, logistic regression and trees",
    "blend_levelled": "the mean log odds of BG/NBD, logistic regression and trees, expecting as many churners as "
    "BG/NBD while the labels are younger than a year",
}
MUCH = 0.25


def model_card(metrics: Tree, catalogue: Tree, about: Mapping[str, Json], params: Params) -> str:
    """The card as Markdown; the same inputs give the same text."""
    paragraphs = [
        *_what(metrics, about),
        *_data(metrics, catalogue, about, params),
        *_quality(metrics),
        *_groups(tree(metrics, "segments")),
        *_moved(metrics),
        *_money(metrics),
        *_limits(params),
    ]
    return "\n".join(paragraphs) + "\n"


def _what(metrics: Tree, about: Mapping[str, Json]) -> list[str]:
    chosen = str(metrics["chosen"])
    calibrated = ", calibrated on a closed cutoff it had not seen" if about.get("calibrated_on") else ""
    days = number(metrics, "horizon_days")
    return [
        f"# Model card: {metrics['model_version']}",
        "",
        f"It gives each active customer the probability of placing no order in the next {days:.0f} days. "
        f"It is `{chosen}`: {KINDS.get(chosen, chosen)}{calibrated}, and chosen by mean log loss in a rolling-origin "
        "backtest. After the test it was fitted again on every closed cutoff.",
        *[f"\nNote of the fit: {note}" for note in texts(about.get("notes", []))],
    ]


def _data(metrics: Tree, catalogue: Tree, about: Mapping[str, Json], params: Params) -> list[str]:
    cutoffs = catalogue.get("cutoffs")
    dates = [str(cutoff)[:10] for cutoff in cutoffs] if isinstance(cutoffs, list) else []
    active = params.snapshots.active_days
    who = "with an order before the cutoff" + (f", the last at most {active} days ago" if active else "")
    absent, dropped = _absent(texts(about.get("absent", []))), texts(about.get("dropped_columns", []))
    lines = [
        f"- Source: `{params.pull.source}`, observed up to {str(catalogue.get('as_of'))[:10]}.",
        f"- Cutoffs: {len(dates)}, from {dates[0]} to {dates[-1]}; the last is the test, unseen by every candidate.",
        f"- Population: customers {who}.",
        f"- Label: churned = no order in [cutoff, cutoff + {number(metrics, 'horizon_days'):.0f} days).",
        f"- Features: {len(texts(about['feature_columns']))} columns, described in `data/features/catalogue.json`.",
        *([f"- The shop has no {', '.join(absent)}: features that need it are left out."] if absent else []),
        *([f"- Not used, constant or empty in training: {', '.join(dropped)}."] if dropped else []),
    ]
    return ["", "## Data", "", *lines]


def _absent(names: list[str]) -> list[str]:
    # Without any engagement, every single kind of it is absent too: one word says it.
    return [name for name in names if "engagement" not in names or name not in ENGAGEMENT_KINDS]


def _quality(metrics: Tree) -> list[str]:
    rate = tree(metrics, "churn_rate")
    share = f"{100 * number(metrics, 'interval_share'):.0f} %"
    table = ["| metric | ours | best single method |", "|---|---|---|"]
    for name, label in NAMES.items():
        best = tree(metrics, "metrics", name).get("best_baseline")
        theirs = f"{interval(best)} `{best['name']}`" if isinstance(best, Mapping) else "none fitted"
        table.append(f"| {label} | {interval(tree(metrics, 'metrics', name, 'ours'))} | {theirs} |")
    oracle = metrics.get("oracle")
    ceiling = (
        [
            "",
            f"An oracle that knows each demo customer's hidden state reaches AUC {number(oracle, 'roc_auc'):.3f} and "
            f"log loss {number(oracle, 'log_loss'):.3f}; nobody can do better.",
        ]
        if isinstance(oracle, Mapping)
        else []
    )
    head = (
        f"{number(metrics, 'customers'):,.0f} customers at {str(metrics['test_cutoff'])[:10]}; "
        f"churn rate {interval(rate)}. In brackets the {share} interval of a bootstrap over customers."
    )
    return ["", "## Quality on the test cutoff", "", head, "", *table, *ceiling]


def _groups(segments: Tree) -> list[str]:
    table = [
        "| customers | number | churn rate | mean predicted | calibration error | AUC |",
        "|---|---|---|---|---|---|",
    ]
    for name in segments:
        of = tree(segments, name)
        auc = "–" if of["roc_auc"] is None else f"{number(of, 'roc_auc'):.3f}"
        rates = " | ".join(f"{number(of, key):.3f}" for key in ("churn_rate", "mean_predicted", "calibration_error"))
        table.append(f"| {name} | {number(of, 'customers'):,.0f} | {rates} | {auc} |")
    return ["", "## By group of customers", "", *table]


def _moved(metrics: Tree) -> list[str]:
    drift = tree(metrics, "drift")
    before = drift.get("churn_rate_before")
    index = tree(drift, "most_moved")
    most = ", ".join(
        f"`{name}` {number(index, name):.2f}" for name in sorted(index, key=lambda key: -number(index, key))
    )
    much = sum(number(index, name) > MUCH for name in index)
    verdict = f"at least {much} of them moved much (above {MUCH})" if much else f"none moved much (above {MUCH})"
    rate = f"The churn rate was {float(str(before)):.3f} at the cutoffs before and " if before is not None else "It is "
    return [
        "",
        "## Drift",
        "",
        f"{rate}{number(metrics, 'churn_rate', 'value'):.3f} at the test cutoff. Features that differ most from the "
        f"earlier cutoffs, by stability index: {most}; {verdict}.",
    ]


def _money(metrics: Tree) -> list[str]:
    """Value, timing and profit in a line each, or why there is none."""
    value, profit, second = (tree(metrics, name) for name in ("value", "profit", "second_order"))
    lines = []
    if "left_out" in profit:
        lines.append(f"- Value and profit: left out, {profit['left_out']}.")
    else:
        ours, naive = (tree(value, "all", "mae", side) for side in ("ours", "naive"))
        lines.append(
            f"- Expected revenue of the horizon: mean absolute error {_cash(ours)}, {_cash(naive)} of the naive "
            f"mean; {number(value, 'all', 'expected_total'):,.0f} expected in all, "
            f"{number(value, 'all', 'actual_total'):,.0f} came."
        )
        lines.append(
            f"- Contacting the {100 * number(profit, 'best', 'share'):.1f} % whose expected profit is above zero would "
            f"have brought {_cash(tree(profit, 'best', 'profit'))}, under the offer of `evaluate.profit`."
        )
    test = tree(metrics, "timing", "test")
    if number(test, "returned"):
        lines.append(
            f"- Next order: {interval(tree(test, 'coverage'))} of returns inside an interval that promises 0.8."
        )
    if "left_out" in second:
        lines.append(f"- Second order of first-time buyers: left out, {second['left_out']}.")
    else:
        lines.append(
            f"- Second order within {number(second, 'days'):.0f} days: {interval(tree(second, 'observed'))} observed, "
            f"{number(second, 'mean_predicted'):.3f} promised."
        )
    return ["", "## Value, timing and money", "", *lines]


def _cash(values: Tree) -> str:
    value, low, high = (number(values, key) for key in ("value", "low", "high"))
    return f"{value:,.2f} ({low:,.2f}–{high:,.2f})"


def _limits(params: Params) -> list[str]:
    margin = f"{100 * params.score.margin_share:.0f} %"
    return [
        "",
        "## Limits",
        "",
        "- It predicts who will not buy, not whom a message would change: that needs randomised contacts.",
        "- One test cutoff is one season; the backtest in `reports/backtest.json` shows how much that matters.",
        "- Customers without an order are outside the population, and so are guests without a customer id.",
        f"- Money figures of a score assume a margin of {margin} of order value (`score.margin_share`).",
        "- Reasons say what moved the model for this customer, not what caused the behaviour.",
    ]
