"""The contact policy: what may be sent to whom, how often, at what cost. It is `params.yaml`'s `plan` section."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Money = Annotated[float, Field(ge=0.0)]
Days = Annotated[int, Field(ge=0)]


class Action(BaseModel):
    """One thing that can be done for a customer, and who is eligible for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    intent: Literal["service", "content", "ask"]
    channel: Literal["email", "sms", "push"]
    cost_money: Money
    discount_share: Share
    cooldown_days: Days
    days_since_last_order: tuple[Days, Days]
    min_churn_probability: Share
    orders: tuple[int, int | None]


class Policy(BaseModel):
    """Caps, budgets and actions of one policy version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy_version: str
    control_share: Share
    max_contacts: Annotated[int, Field(ge=0)] | None
    max_touches_per_30_days: Annotated[int, Field(ge=0)]
    min_days_between_touches: Days
    max_ask_share: Share
    max_data_age_days: Days
    max_complaint_share: Share
    open_order_days: Days
    min_value_money: float
    quiet_hours: tuple[Annotated[int, Field(ge=0, le=23)], Annotated[int, Field(ge=0, le=23)]]
    default_timezone: str
    valid_days: Annotated[int, Field(ge=1)]
    actions: dict[str, Action]

    @model_validator(mode="after")
    def _caps_agree(self) -> Policy:
        if not self.actions:
            raise ValueError("at least one action is needed")
        return self
