"""The table of decisions by lot, as the ledger exports it and as it stands among the clean tables.

One row per decision about somebody who could have had an action. `chances` (JSON: action to probability) is what the
lot gave each action outside the control groups, also for people in them; `held_back` (JSON) are the actions whose own
control group the person is in, `own_control` (JSON) how large those groups are, by action. Money is in the shop's
currency, facts are those known at the decision.
"""

from __future__ import annotations

import pyarrow as pa

from features.tables import TIME

DECISIONS_FILE = "decisions.parquet"
FACTS = (
    "churn_probability",
    "margin_money",
    "order_value_money",
    "orders",
    "days_since_last_order",
    "touches",
    "days_since_last_touch",
)
TEXTS = ("decision_id", "customer_id", "arm", "action", "intent", "channel", "gate", "message_id")
_AFTER = ("policy_version", "model_version", "chances", "held_back", "own_control")
_NUMBERS = ("propensity", "control_share", "cost_money", "offer_cost_money")
EXPORTED = pa.schema(
    [
        *((name, pa.string()) for name in TEXTS),
        ("as_of", TIME),
        ("run_seq", pa.int64()),
        *((name, pa.string()) for name in _AFTER),
        *((name, pa.float64()) for name in (*_NUMBERS, *FACTS)),
    ]
)
# With the moment at which the shop knew that the message had reached the customer; null: it never did.
CLEAN = EXPORTED.append(pa.field("delivered_at", TIME))
