"""Budgets of conduct as the core takes them, and whose they are."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from cross_market._values import NONE, missing
from cross_market.errors import ConfigError
from cross_market.policy.conduct import Conduct
from cross_market.policy.limit import Limits


def conduct_json(conduct: Conduct | str | None) -> dict[str, Any] | None:
    """Return the budgets of an instrument; None where its exchange has no such rules."""
    if not isinstance(conduct, Conduct):
        return None
    stated = {each.name: getattr(conduct, each.name) for each in fields(conduct)}
    return {key: None if item == NONE else item for key, item in stated.items()}


def ungrouped(hedges: Iterable[Any], limits: Limits) -> Iterator[ConfigError]:
    """Yield an error for every account that shares budgets and does not say with whom.

    Counted apart, accounts of one desk would pass an exchange's number together.
    """
    traders: dict[str, dict[str, Any]] = {}
    for hedge in hedges:
        for leg in hedge.legs:
            traders.setdefault(leg.instrument.name, {})[leg.account.name] = leg.account
    told = set()
    for name, accounts in traders.items():
        if len(accounts) == 1:
            continue
        own = dict(limits.instruments).get(name, limits.each_instrument)
        if own is None or not isinstance(own.conduct, Conduct):
            continue
        for account in accounts.values():
            if account.group is None and account.entity is None and account.name not in told:
                told.add(account.name)
                expected = f"a group: several accounts trade {name}, whose budgets groups share"
                yield missing(expected, f"accounts.{account.name}.group")
