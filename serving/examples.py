"""Examples for the OpenAPI page; the tests send the requests and hold the answers against their shapes."""

from __future__ import annotations

Json = dict[str, object]
BY_ID: Json = {"customers": [{"customer_id": "c000042"}]}
BY_EVENTS: Json = {
    "as_of": "2026-01-01T00:00:00Z",
    "customers": [
        {
            "customer_id": "new-1",
            "orders": [{"order_id": "o1", "ordered_at": "2025-11-03T10:15:00Z", "revenue": 49.9}],
            "engagement": [{"event_id": "e1", "occurred_at": "2025-12-20T18:02:00+01:00", "kind": "email_open"}],
        }
    ],
}
RECEIVED: Json = {
    "orders": [
        {"customer_id": "c000042", "order_id": "o-77", "ordered_at": "2025-12-30T09:00:00Z", "revenue": 35.0},
    ],
    "engagement": [
        {"customer_id": "c000042", "event_id": "e-78", "occurred_at": "2025-12-31T18:02:00Z", "kind": "session"},
    ],
}
PAUSED: Json = {"name": "channel:email", "stopped": True, "reason": "wrong prices in the template"}
UNSUBSCRIBED: Json = {"customer_id": "c000042"}
TRIGGERED: Json = {"as_of": "2026-01-01T09:00:00Z"}
_HEAD: Json = {"model_version": "m-b2e77c9b6e39", "as_of": "2026-01-01T00:00:00Z", "horizon_days": 90}
_SCORE: Json = {
    "customer_id": "c000042",
    "as_of": "2026-01-01T00:00:00Z",
    "source": "nightly",
    "churn_probability": 0.662,
    "churn_decile": 9,
    "segment": "returning",
    "expected_next_order_at": "2026-01-16T00:51:53Z",
    "expected_next_order_low": "2026-01-02T23:53:20Z",
    "expected_next_order_high": "2026-03-16T06:56:39Z",
    "expected_value": 41.66,
    "value_at_risk": 27.59,
    "second_order_probability": None,
}
_REASONS: list[Json] = [
    {
        "feature": "days_since_last_order",
        "value": 61.0,
        "direction": "raises",
        "in_words": "silent 61 days; usual gap 21",
    }
]
_DECISION: Json = {
    "decision_id": "d-6f1c",
    "customer_id": "c000042",
    "as_of": "2026-01-01T00:00:00Z",
    "arm": "treatment",
    "action": None,
    "intent": None,
    "channel": None,
    "send_after": None,
    "expires_at": None,
    "expected_uplift": None,
    "expected_value": None,
    "gate": "no_consent",
    "policy_version": "2026-1",
    "propensity": None,
}
BOUNCED: Json = {
    "type": "message.bounced",
    "timestamp": "2026-01-01T12:00:00Z",
    "data": {"message_id": "m-5f0c2a9be1d37c44a001", "is_permanent": True},
}
EXAMPLES: dict[str, Json] = {
    "ScoreAnswer": {**_HEAD, "customers": [_SCORE]},
    "ExplainAnswer": {
        **_HEAD,
        "customers": [
            {"customer_id": "c000042", "as_of": "2026-01-01T00:00:00Z", "source": "nightly", "reasons": _REASONS}
        ],
    },
    "PlanAnswer": {**_HEAD, "policy_version": "2026-1", "dry_run": True, "decisions": [_DECISION]},
    "TriggerAnswer": {
        "run_id": "r-8203d13db11fd50bcfd5",
        "model_version": "m-b2e77c9b6e39",
        "policy_version": "2026-1",
        "as_of": "2026-01-01T09:00:00Z",
        "learning": True,
        "customers": 2,
        "control": 0,
        "contacted": 1,
        "by_action": {"follow_up": 1},
        "by_gate": {"no_consent": 1},
        "dry_run": False,
        "messages": 1,
        "decided_before": 0,
    },
    "DecisionShown": {
        "run_id": "r-8203d13db11fd50bcfd5",
        "decision": _DECISION,
        "inputs": {"facts": {"churn_probability": 0.662}, "uplift": None, "shop": {"data_age_days": 0.4}},
        "gates": [{"gate": "no_consent", "stops": ["follow_up"], "left": []}],
        "value_terms": {},
        "propensity": None,
        "chances": {},
        "held_back": [],
        "versions": {"format": 1, "model": "m-b2e77c9b6e39", "policy": "2026-1", "holdout": 1},
        "message": None,
        "replay": {"same_bytes": True, "means": "made again from its inputs, the decision has the same bytes"},
    },
    "EventsAnswer": {
        "model_version": "m-b2e77c9b6e39",
        "accepted": 1,
        "duplicate": 1,
        "refused": 0,
        "results": [
            {"table": "orders", "place": 0, "id": "o-77", "result": "accepted"},
            {"table": "engagement", "place": 0, "id": "e-78", "result": "duplicate"},
        ],
    },
    "PauseAnswer": {
        "switches": [
            {
                "name": "channel:email",
                "stopped": True,
                "reason": "wrong prices in the template",
                "changed_at": "2026-01-01T09:30:00Z",
            }
        ]
    },
    "WebhookAnswer": {"result": "accepted"},
    "EraseAnswer": {
        "receipt_id": "r-3b1f0c9a7d5e2f481c6b",
        "person": "9f2c4a6e8b0d1f3a5c7e9b1d3f5a7c9e",
        "erased_at": "2026-01-01T09:30:00Z",
        "removed": {"data/serving.db": 1, "decisions": 12, "messages": 3, "received": 41},
        "remains": ["Run `dvc repro`: the tables hold the person until it has run."],
    },
    "UnsubscribeAnswer": {"unsubscribed": True, "channel": "*"},
    "Profile": {**_HEAD, "customer_id": "c000042", "score": _SCORE, "reasons": _REASONS, "decision": _DECISION},
}
PROBLEM_EXAMPLES: dict[str, tuple[str, str | None]] = {
    "key": ("Send Authorization: Bearer <key>.", "Authorization"),
    "closed": ("Set $REKINDLE_API_KEYS and send one as Authorization: Bearer <key>.", "Host"),
    "signature": ("No matching signature found.", "webhook-signature"),
    "not-found": ("No such provider is set up.", "provider"),
    "unreadable": ("EOF while parsing an object at line 1 column 1", "body"),
    "slow": ("The body had not come after 10 s; send it faster, or less of it.", "body"),
    "too-large": ("The body is larger than 33554432 bytes; send fewer customers at once.", "body"),
    "media-type": ("Send Content-Type: application/json.", "Content-Type"),
    "invalid": ("customers[0].orders[0].revenue: Input should be a finite number", "customers[0].orders[0].revenue"),
    "busy": ("Now 128 requests are being answered; come back in 1 s, or run more workers.", None),
    "unknown-customer": (
        "customer_id: 'c000042' was not scored in the last nightly run; check the id, or send the events.",
        "customer_id",
    ),
    "token": ("The link is cut off or not ours; copy it whole.", "token"),
    "no-idempotency-key": ("Send Idempotency-Key, a key of your own; the same for a retry.", "Idempotency-Key"),
    "other-request": ("This key was used for another request; take a new one.", "Idempotency-Key"),
    "unknown-decision": ("decision_id: 'd-6f1c' was not committed; /v1/plan is a dry run.", "decision_id"),
    "not-decided": ("Nothing was committed; nobody is contacted.", None),
    "not-kept": ("None of the rows was kept; send all again.", None),
    "not-erased": ("Not everything could be removed; ask again.", None),
    "not-written": ("It was not written; send it again.", None),
    "late": ("No answer within 60 s; ask for fewer customers at once. What writes may still be done.", None),
    "failed": ("The fault is ours; the service's log has it.", None),
}
