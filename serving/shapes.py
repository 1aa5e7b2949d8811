"""What the endpoint answers, for its OpenAPI page; the tests hold every real answer against these shapes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """A closed shape."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class FaultShape(Answer):
    """One thing wrong with one field."""

    field: str
    detail: str


class ProblemDetails(Answer):
    """An error, as RFC 9457 has it; `field` is where in the request."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    errors: list[FaultShape] | None = None


class Missing(Answer):
    """A customer that cannot be answered about; the others of the request still are."""

    customer_id: str
    error: ProblemDetails


class NightlyScore(Answer):
    """A customer by id: the row of the last nightly run."""

    customer_id: str
    as_of: str
    source: Literal["nightly"]
    churn_probability: float
    churn_decile: int
    segment: str | None
    expected_next_order_at: str | None
    expected_next_order_low: str | None
    expected_next_order_high: str | None
    expected_value: float | None
    value_at_risk: float | None
    second_order_probability: float | None


class EventScore(Answer):
    """A customer by events or features, or by id with rows received since the nightly run: computed now."""

    customer_id: str
    as_of: str
    source: Literal["events", "features", "received"]
    churn_probability: float


class ReasonShape(Answer):
    """A feature, its value, and whether it raises or lowers the risk."""

    feature: str
    value: float | None
    direction: Literal["raises", "lowers"]
    in_words: str


class Reasons(Answer):
    """The features that move a customer's score most, strongest first."""

    customer_id: str
    as_of: str
    source: Literal["nightly", "events"]
    reasons: list[ReasonShape]


class Decision(Answer):
    """What would be done; or `gate`, the first gate that said no."""

    decision_id: str
    customer_id: str
    as_of: str
    arm: Literal["treatment", "control"]
    action: str | None
    intent: Literal["service", "content", "ask"] | None
    channel: Literal["email", "sms", "push", "task"] | None
    send_after: str | None
    expires_at: str | None
    expected_uplift: float | None
    expected_value: float | None
    gate: str | None
    policy_version: str
    propensity: float | None


class Head(Answer):
    """What every answer carries."""

    model_version: str
    as_of: str
    horizon_days: int


class ScoreAnswer(Head):
    """One entry per customer, in the order asked."""

    customers: list[NightlyScore | EventScore | Missing]


class ExplainAnswer(Head):
    """One entry per customer, in the order asked."""

    customers: list[Reasons | Missing]


class PlanAnswer(Head):
    """One entry per customer, in the order asked."""

    policy_version: str
    dry_run: Literal[True]
    decisions: list[Decision | Missing]


class Profile(Head):
    """All the nightly run knows of a customer."""

    customer_id: str
    score: NightlyScore
    reasons: list[ReasonShape]
    decision: Decision


class EventResult(Answer):
    """What became of one row: its table, its place there, its id, and if refused, why."""

    table: Literal["orders", "engagement"]
    place: int
    id: str | None
    result: Literal["accepted", "duplicate", "refused"]
    error: ProblemDetails | None = None


class EventsAnswer(Answer):
    """One result per row, orders first, in the order sent; then the counts."""

    model_version: str
    accepted: int
    duplicate: int
    refused: int
    results: list[EventResult]


class SwitchShape(Answer):
    """One switch: `all`, `channel:email` or `destination:crm`."""

    name: str
    stopped: bool
    reason: str
    changed_at: str


class PauseAnswer(Answer):
    """All switches that were ever turned."""

    switches: list[SwitchShape]


class UnsubscribeAnswer(Answer):
    """Kept out of a channel, or of every one (`*`)."""

    unsubscribed: Literal[True]
    channel: str


class TriggerAnswer(Answer):
    """What was decided and committed; the counts are of customers."""

    run_id: str
    model_version: str
    policy_version: str
    as_of: str
    learning: bool
    customers: int
    control: int
    contacted: int
    by_action: dict[str, int]
    by_gate: dict[str, int]
    dry_run: bool
    messages: int
    decided_before: int


class GateShown(Answer):
    """A gate: the actions it stops, and those left after it."""

    gate: str
    stops: list[str]
    left: list[str]


class DecisionInputs(Answer):
    """What was known: of the customer, of the uplift per action, of the shop with the rule of the budget."""

    facts: dict[str, object]
    uplift: list[float | None] | None
    shop: dict[str, object]


class MessageShown(Answer):
    """The message of a decision, and what became of it."""

    message_id: str
    state: str
    reason: str | None


class ReplayShown(Answer):
    """The decision made again from its inputs."""

    same_bytes: bool
    means: str


class DecisionShown(Answer):
    """All that is kept of a committed decision."""

    run_id: str
    decision: Decision
    inputs: DecisionInputs
    gates: list[GateShown]
    value_terms: dict[str, dict[str, float | None]]
    propensity: float | None
    chances: dict[str, float]
    held_back: list[str]
    versions: dict[str, int | str]
    message: MessageShown | None
    replay: ReplayShown


class WebhookAnswer(Answer):
    """What became of the report: written, here before, or of a message nobody sent (or whose person was erased)."""

    result: Literal["accepted", "duplicate", "unknown_message"]


class EraseAnswer(Answer):
    """What was removed by table or file, the keyed hash that stays, and what remains to be done."""

    receipt_id: str
    person: str
    erased_at: str
    removed: dict[str, int]
    remains: list[str]
