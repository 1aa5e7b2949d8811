"""Decide and commit: `python -m serving.trigger`, and `POST /v1/trigger`.

Run, decisions, arms and messages are written in one transaction, or nothing is. The instant is now, so the same instant
gives the same decisions, which are made once: a rerun adds nothing. An idempotency key gives the stored answer, byte
for byte. What cannot be read, be it the ledger or a list, raises: then nobody is contacted.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
from pydantic import ValidationError
from sqlalchemy.engine import Connection

from features.errors import RekindleError
from serving import received
from serving.breaker import FEWEST_TO_STOP, share_of
from serving.budgets import budget_of, within_budget
from serving.current import read_known
from serving.decisions import NOBODY, decide
from serving.desk import Desk
from serving.dispatch.health import counts
from serving.gates import Shop
from serving.inbox.database import told, writing
from serving.inbox.telling import tell
from serving.outbox.drafts import Made, draft_arms, draft_decisions, draft_messages
from serving.outbox.person import person_of
from serving.outbox.reading import read_ledger, read_mark, spent_on_day
from serving.outbox.writing import known_decisions, stored_run, write_run
from serving.planner import shop_now
from serving.problems import Problem, invalid
from serving.replay import Ground
from serving.requests import TriggerRequest, iso, microseconds
from serving.settings import places


@dataclass(frozen=True)
class Call:
    """One request to decide: for whom (None: everybody), when, and how it is known again."""

    customers: tuple[str, ...] | None
    now_us: int
    digest: str
    idempotency_key: str | None = None

    @classmethod
    def of(cls, body: bytes, now_us: int, idempotency_key: str | None = None) -> Call:
        """The call in a body of JSON; raises Problem for one that is not valid."""
        try:
            asked = TriggerRequest.model_validate_json(body)
        except ValidationError as error:
            raise invalid(error) from error
        instant = now_us if asked.as_of is None else microseconds(asked.as_of)
        who = None if asked.customers is None else tuple(sorted(set(asked.customers)))
        return cls(who, instant, hashlib.sha256(body).hexdigest(), idempotency_key)

    def run_id(self, policy_version: str) -> str:
        """The same call at the same instant is the same run."""
        told_apart = f"{self.digest}\0{self.now_us}\0{policy_version}\0{self.idempotency_key}"
        return f"r-{hashlib.sha256(told_apart.encode()).hexdigest()[:20]}"


def trigger(desk: Desk, call: Call) -> bytes:
    """Decide and commit; the answer as JSON. Raises ServingError or Problem, and then nothing is committed."""
    run_id = call.run_id(desk.policy.policy_version)
    with told(), desk.inbox.engine.connect() as connection:
        answer = _stored(connection, run_id, call)
        made = None if answer else make(desk, call, connection)
    if made is None:
        return answer
    with told(), writing(desk.inbox.engine) as connection:
        if answer := _stored(connection, run_id, call):
            return answer
        if read_mark(connection).changes != made.mark.changes:
            # Another run, a new suppression: decide again, while nobody else can write.
            made = make(desk, call, connection)
        return _commit(desk, call, made, connection)


def dry_run(desk: Desk, call: Call) -> bytes:
    """What `trigger` would answer; nothing is committed."""
    with told(), desk.inbox.engine.connect() as connection:
        made = make(desk, call, connection)
    return orjson.dumps({**_head(desk, call, made), **_counts(made), "dry_run": True})


def make(desk: Desk, call: Call, connection: Connection) -> Made:
    """Decide on what is known now."""
    mark = read_mark(connection)
    names = _customers(desk, call)
    ledger = read_ledger(connection, names, desk.key)
    news = received.histories_since(desk.inbox, desk.store, names)
    known = read_known(desk, ledger, news, names, call.now_us)
    shop = _heard(replace(shop_now(desk, call.now_us), paused=ledger.paused), *counts(connection, call.now_us))
    proposed = decide(known.facts, desk.policy, shop, desk.key, known.uplift)
    budget = budget_of(proposed, spent_on_day(connection, call.now_us, _most_money))
    decisions = within_budget(proposed, budget)
    return Made(decisions, Ground(desk.policy, shop, budget, str(desk.store.about["model_version"])), mark)


def _heard(shop: Shop, complaints: int, sent: int) -> Shop:
    """The shop with the complaints that were received, where they are worse than those of the nightly run."""
    share = share_of(complaints, sent)
    worse = share > shop.complaint_share and complaints >= FEWEST_TO_STOP
    return replace(shop, complaint_share=share, complaints=complaints) if worse else shop


def _customers(desk: Desk, call: Call) -> list[str]:
    if call.now_us < desk.as_of_us:
        early = f"as_of {iso(call.now_us)} lies before the last nightly run, {iso(desk.as_of_us)}."
        raise Problem("invalid", early, "as_of")
    everybody = desk.store.customer_ids()
    if call.customers is None:
        return everybody
    strangers = sorted(set(call.customers).difference(everybody))
    if strangers:
        unknown = f"{len(strangers)} of the ids were not scored in the last nightly run, the first is {strangers[0]!r}."
        raise Problem("unknown-customer", unknown, "customers")
    return list(call.customers)


def _stored(connection: Connection, run_id: str, call: Call) -> bytes:
    """The answer of the same call before; raises Problem where the key stands for another one."""
    found = stored_run(connection, run_id, call.idempotency_key)
    if found is None:
        return b""
    if found.request_digest != call.digest:
        taken = "This key was used for another request; the same key means the same body. Take a new one."
        raise Problem("other-request", taken, "Idempotency-Key")
    return found.answer_json.encode()


def _commit(desk: Desk, call: Call, made: Made, connection: Connection) -> bytes:
    decisions, ground = made.decisions, made.ground
    before = known_decisions(connection, decisions.decision_id.tolist())
    new = [place for place, name in enumerate(decisions.decision_id) if name not in before]
    persons = [person_of(name, desk.key) for name in decisions.customer_id]
    rows = list(draft_decisions(made, persons, desk.key))
    messages = list(draft_messages(desk, made, rows, new))
    answer = orjson.dumps(
        {
            **_head(desk, call, made),
            **_counts(made),
            "dry_run": False,
            "messages": len(messages),
            "decided_before": len(before),
        }
    )
    run = {
        "run_id": call.run_id(desk.policy.policy_version),
        "idempotency_key": call.idempotency_key,
        "request_digest": call.digest,
        "as_of_us": call.now_us,
        "created_us": call.now_us,
        "received_seq": made.mark.received_seq,
        "policy_version": desk.policy.policy_version,
        "policy_json": ground.policy_json,
        "shop_json": ground.shop_json,
        "model_version": ground.model_version,
        "answer_json": answer.decode(),
    }
    write_run(connection, run, [rows[place] for place in new], draft_arms(made, persons), messages)
    return answer


def _head(desk: Desk, call: Call, made: Made) -> dict[str, object]:
    return {
        "run_id": call.run_id(desk.policy.policy_version),
        "model_version": made.ground.model_version,
        "policy_version": desk.policy.policy_version,
        "as_of": iso(call.now_us),
        "learning": made.decisions.is_learning,
    }


def _counts(made: Made) -> dict[str, object]:
    decisions, names = made.decisions, list(made.ground.policy.actions)
    chosen = [names[place] for place in decisions.action.tolist() if place != NOBODY]
    gates = [gate for gate in decisions.gate.tolist() if gate is not None]
    return {
        "customers": len(decisions.customer_id),
        "control": int(decisions.in_control.sum()),
        "contacted": len(chosen),
        "by_action": dict(sorted(Counter(chosen).items())),
        "by_gate": dict(sorted(Counter(gates).items())),
    }


def _most_money(content: Mapping[str, object]) -> float:
    money = content.get("most_money")
    return 0.0 if money is None else float(str(money))


def main(arguments: list[str]) -> None:
    """Decide for everybody, or some; exits 1 on an error the user can solve, and then nobody is contacted."""
    parser = argparse.ArgumentParser(prog="python -m serving.trigger", description="Decide, and commit what to send.")
    parser.add_argument("--dry-run", action="store_true", help="count, but commit nothing")
    parser.add_argument("--now", metavar="ISO", help="instead of the clock, e.g. 2026-01-01T09:00:00Z")
    parser.add_argument("--customers", metavar="FILE|IDS", help="a file with one id per line, or ids with commas")
    parser.add_argument("--idempotency-key", metavar="KEY", help="the same key and request give the stored answer")
    options = parser.parse_args(arguments)
    try:
        call = Call.of(_body(options.now, options.customers), time.time_ns() // 1000, options.idempotency_key)
        desk = Desk.open(places())
        answer = (dry_run if options.dry_run else trigger)(desk, call)
        if not options.dry_run:
            tell(desk.inbox.engine, desk.places.home)
    except RekindleError as error:
        sys.exit(f"trigger: {error}")
    except Problem as problem:
        sys.exit(f"trigger: {problem.detail}")
    sys.stdout.buffer.write(answer + b"\n")


def _body(now: str | None, customers: str | None) -> bytes:
    """The same request as one over HTTP would be."""
    if customers is None:
        return orjson.dumps({"as_of": now})
    text = Path(customers).read_text(encoding="utf-8") if Path(customers).is_file() else customers.replace(",", "\n")
    return orjson.dumps({"as_of": now, "customers": [line.strip() for line in text.splitlines() if line.strip()]})


if __name__ == "__main__":
    main(sys.argv[1:])
