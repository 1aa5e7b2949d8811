"""The contact policy: what may be sent to whom, how often, at what cost. It is `params.yaml`'s `plan` section.

Whatever is unknown about a person counts against contacting them, unless the policy says otherwise aloud.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints, model_validator

# A task is for a colleague, who then speaks to the person.
Channel = Literal["email", "sms", "push", "task"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Money = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Days = Annotated[int, Field(ge=0)]
Hour = Annotated[int, Field(ge=0, le=23)]
# The name becomes the first part of a touch's subject, "<action>:<touch id>", so it holds no colon.
ActionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"no time zone named {name!r}; use a name such as Europe/London") from error
    return name


class Action(BaseModel):
    """One thing that can be done for a customer, what it costs, and who is eligible for it.

    The first of `channels` that the person agreed to is taken. An order that comes costs `discount_share` of its value
    and `offer_cost_money` (shipping, a gift). `silence_in_gaps` is days since the last order over the person's own mean
    gap between orders; whose gap is unknown is judged by `days_since_last_order` alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intent: Literal["service", "content", "ask"]
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)]
    cost_money: Money
    discount_share: Share
    offer_cost_money: Money = 0.0
    unsubscribe_rise: Share
    complaint_rise: Share
    cooldown_days: Days
    days_since_last_order: tuple[Days, Days]
    silence_in_gaps: tuple[Money, Money] | None = None
    min_churn_probability: Share
    orders: tuple[Annotated[int, Field(ge=1)], int | None]
    control_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0

    @model_validator(mode="after")
    def _ranges_run_upwards(self) -> Action:
        first, last = self.days_since_last_order
        if first > last:
            raise ValueError(f"days_since_last_order runs backwards, from {first} to {last}; swap them")
        fewest, most = self.orders
        if most is not None and fewest > most:
            raise ValueError(f"orders runs backwards, from {fewest} to {most}; swap them")
        if self.silence_in_gaps is not None and self.silence_in_gaps[0] > self.silence_in_gaps[1]:
            low, high = self.silence_in_gaps
            raise ValueError(f"silence_in_gaps runs backwards, from {low:g} to {high:g}; swap them")
        return self

    @model_validator(mode="after")
    def _channels_occur_once(self) -> Action:
        twice = [name for name in CHANNELS if self.channels.count(name) > 1]
        if twice:
            raise ValueError(f"channels names {twice[0]} twice; name each once, the preferred first")
        return self


class Budgets(BaseModel):
    """What a day (UTC) of decisions may spend at most; null: no limit, 0: nothing is sent.

    Money counts as if everyone took the offer, so the limit holds whatever they do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    money: Money | None = None
    sends_per_day: dict[Channel, Annotated[int, Field(ge=0)]] = {}


class Policy(BaseModel):
    """Caps, budgets and actions of one policy version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy_version: Annotated[str, StringConstraints(min_length=1)]
    holdout_version: Annotated[int, Field(ge=1)]
    control_share: Annotated[float, Field(ge=0.0, lt=1.0)]
    assume_consent: bool
    explore_share: Share = 0.0
    max_contacts: Annotated[int, Field(ge=0)] | None
    budgets: Budgets = Budgets()
    max_touches_per_30_days: Annotated[int, Field(ge=0)]
    max_touches_per_local_day: Annotated[int, Field(ge=0)] = 1
    min_days_between_touches: Days
    max_ask_share: Share
    max_data_age_days: Days
    max_complaint_share: Share
    complaint_cost_money: Money
    open_order_days: Days
    open_ticket_days: Days
    open_return_days: Days
    min_value_money: FiniteFloat
    quiet_hours: tuple[Hour, Hour]
    default_timezone: Annotated[str, AfterValidator(_zone)]
    valid_days: Annotated[int, Field(ge=1)]
    actions: dict[ActionName, Action]

    @model_validator(mode="after")
    def _caps_agree(self) -> Policy:
        if not self.actions:
            raise ValueError("at least one action is needed; name one under plan.actions")
        for name, action in self.actions.items():
            self._check_reachable(name, action)
        if self.min_days_between_touches * (self.max_touches_per_30_days - 1) >= 30:
            raise ValueError(
                f"max_touches_per_30_days {self.max_touches_per_30_days} cannot be reached with "
                f"min_days_between_touches {self.min_days_between_touches}; lower one of them"
            )
        self._check_day()
        return self

    def _check_day(self) -> None:
        a_day, a_month = self.max_touches_per_local_day, self.max_touches_per_30_days
        if a_day > max(a_month, 1):
            raise ValueError(
                f"max_touches_per_local_day {a_day} is more than max_touches_per_30_days {a_month}; lower it"
            )
        if a_day > 1 and self.min_days_between_touches >= 1:
            raise ValueError(
                f"max_touches_per_local_day {a_day} cannot be reached with min_days_between_touches "
                f"{self.min_days_between_touches}; lower one of them"
            )
        used = {channel for action in self.actions.values() for channel in action.channels}
        for channel in self.budgets.sends_per_day:
            if channel not in used:
                raise ValueError(f"budgets.sends_per_day limits {channel}, which no action uses; remove it")

    def _check_reachable(self, name: str, action: Action) -> None:
        latest = action.days_since_last_order[1]
        if latest < self.open_order_days:
            raise ValueError(
                f"action {name} ends {latest} days after the last order, but until day {self.open_order_days} it "
                "counts as open (open_order_days), so it can never be chosen; widen one of them"
            )
        if action.intent == "ask" and self.max_ask_share == 0:
            raise ValueError(f"action {name} asks for a sale, but max_ask_share is 0; remove it or raise the share")
