"""What thresholds would have seen and done on a journal of the past.

The journal's events go, as they are, into engines whose thresholds only tell: one for each level of
the ladders. Where a number climbs, a copy of such an engine takes the thresholds as they are meant
and says what it would have asked for in that state; then it is thrown away. So every answer stands
on what has really happened until then, and none on fills that nobody has seen.
"""

import dataclasses
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cross_market import _core
from cross_market._files import path_text
from cross_market._thresholds import Scopes
from cross_market._values import missing, wrong_type
from cross_market.audit.episode import LADDER, Episode, Scope, rank
from cross_market.audit.folding import KINDS, Desk, Episodes
from cross_market.audit.steps import Step
from cross_market.commands import Alert, Cancel, Command
from cross_market.config import Config
from cross_market.policy.threshold import LEVELS, Threshold

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DryRun", "dry_run"]

Key = tuple[str, Scope]
Told = list[tuple[int, list[Command], list[Command]]]

RESTRICT = LADDER.index("restrict")
ENTERS, REDUCES = 0, 3  # kinds of attempts, as alerts tell them


@dataclass(frozen=True)
class DryRun:
    """What thresholds would have seen and done on a journal.

    path: str – the journal's file.
    episodes: Arrow table – with the action off, one row for each episode: `episode metric kind name
        onset_ns recognised_ns ended_ns level value limit`, worst level and its numbers, ended_ns
        null where it was not over; and with the action on, how much of `actions` is its own:
        `cancels`, `reduced` sets, `refused` enters.
    actions: Arrow table – with the action on, one row for each thing that would have been
        otherwise: `now_ns episode action level metric name hedge id account instrument sets`.
        `action` is 'cancel' (of an order), 'reduce' (an attempt that gives sets back), 'halt' (a
        latch) or 'refuse' (an attempt of the journal that entered, and would not have begun); `id`
        is the order's or the attempt's.
    parted_ns: int, ns – from here on the journal was another run than one with the action off, such
        as when thresholds of its own acted; later rows are guesses. None when it never was.
    """

    path: str
    episodes: "pa.Table"
    actions: "pa.Table"
    parted_ns: int | None

    def __repr__(self) -> str:
        """Return the counts: episodes by their worst level, actions by what they are."""

        def counted(table: "pa.Table", column: str) -> str:
            words = table[column].to_pylist()
            parts = [f"{words.count(word)} {word}" for word in dict.fromkeys(words)]
            return ", ".join(parts) or "none"

        guess = "" if self.parted_ns is None else f", guesses from {self.parted_ns} ns on"
        return (
            f"<DryRun of {self.path}: episodes: {counted(self.episodes, 'level')}; "
            f"actions: {counted(self.actions, 'action')}{guess}>"
        )


def dry_run(journal: str | os.PathLike[str], config: Config) -> DryRun:
    """Return what the thresholds of a configuration would have seen and done on a journal.

    journal: path – the journal's file; it is only read.
    config: Config – the run's own but for its thresholds, the ones to be tried. Limits count as the
        journal says.
    returns: DryRun.
    Raises ConfigError for another configuration or one without thresholds, JournalError for a
    journal that cannot be read or trusted.

    Example:
        tried = dataclasses.replace(config, thresholds=cm.thresholds.template("small desk"))
        cm.dry_run(result.journal, tried).episodes.to_pandas()
    """
    if type(config) is not Config:
        raise wrong_type(config, "config", "a Config")
    if not config.thresholds:
        expected = "the thresholds to be tried"
        raise missing(expected, "config.thresholds")
    where = path_text(journal, "journal")
    levels = [level for level in LEVELS if any(stated(config, level))]
    trial = Trial(config, levels)
    watched = [
        dataclasses.replace(config, thresholds=tuple(stated(config, level))).to_json()
        for level in levels
    ]
    parted = _core.steps(where, trial.step, watched=watched, asked=config.to_json())
    apart = [at for at in parted if at is not None]
    return DryRun(
        path=where,
        episodes=table_of(trial.episode_rows(), EPISODES),
        actions=table_of(trial.actions, ACTIONS),
        parted_ns=min(apart, default=None),
    )


def stated(config: Config, level: str) -> Iterator[Threshold]:
    """Yield one threshold for all that has a bound at a level; it only tells where that is."""
    scopes = Scopes(config)
    for threshold in config.thresholds:
        bound = getattr(threshold, level)
        if bound is None:
            continue
        for scope in scopes.of(threshold):
            several = {} if threshold.all is None else {"all": threshold.all}
            yield Threshold(
                threshold.metric,
                **(several or {"of": scope.of}),
                warn=bound,
                clear=threshold.clear,
                dwell=threshold.dwell,
            )


@dataclass
class Trial:
    """Takes the steps of a journal, and keeps what the thresholds see and would do."""

    config: Config
    levels: list[str]
    actions: list[dict[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = Desk(self.config.to_json())
        self.fold = Episodes(self.config)
        self.found: dict[int, Episode] = {}
        # The levels at which each monitored number stands, with the alert that told it.
        self.standing: dict[Key, dict[int, Alert]] = {}

    def step(
        self,
        _seq: int,
        now: int,
        exchange: int,
        cause: tuple[str, str],
        _news: object,
        commands: list[Command],
        told: Told,
    ) -> None:
        """Take one step: what was told first, since it counts before anything is decided."""
        if told:
            alerts, climbed = self._moved(told)
            step = Step(now, exchange if exchange > 0 else None, cause, None, alerts)
            self.found.update((each.number, each) for each in self.fold.step(step))
            said = [each for _, _, each in told if each]
            # The copy of the highest level that moved knows of all that climbed.
            self._acts(now, climbed, said[-1] if said else [])
        begun = [each for each in commands if isinstance(each, Alert)]
        for alert in begun:
            if alert.code == "attempt_started" and alert.detail == ENTERS:
                self._entered(now, alert)

    def _moved(self, told: Told) -> tuple[list[Alert], list[Key]]:
        """Return alerts as one ladder with all levels would have told them, and what climbed."""
        before: dict[Key, int] = {}
        last: dict[Key, Alert] = {}
        for at, own, _ in told:
            level = LADDER.index(self.levels[at])
            for alert in own:
                if not isinstance(alert, Alert) or not alert.code.startswith("threshold"):
                    continue
                key = KINDS[alert.detail // 8], alert.subject
                standing = self.standing.setdefault(key, {})
                before.setdefault(key, max(standing, default=0))
                last[key] = alert
                if alert.code == "threshold":
                    standing[level] = alert
                else:
                    standing.pop(level, None)
        alerts, climbed = [], []
        for key, was in before.items():
            level = max(self.standing[key], default=0)
            if level == was:
                continue
            if level > was:
                climbed.append(key)
            # What has gone down tells the number that it has now.
            alert = self.standing[key][level] if level > was else last[key]
            code = "threshold" if level > was else "threshold_left"
            urgency = "info" if level < was else "alarm" if level >= RESTRICT else "warn"
            detail = KINDS.index(key[0]) * 8 + level
            alerts.append(dataclasses.replace(alert, code=code, urgency=urgency, detail=detail))
        return alerts, climbed

    def _acts(self, now: int, climbed: list[Key], said: Iterable[Command]) -> None:
        """Keep what was said on account of the monitored numbers that climbed in this step.

        What a level asks for at once stands behind the alert that tells it.
        """
        own: Episode | None = None
        for command in said:
            if isinstance(command, Cancel) and own is not None:
                hedge = self.desk.hedge_of(command.order)
                account, instrument = command.account, command.instrument
                row = {"hedge": hedge, "account": account, "instrument": instrument}
                self._add(now, own, "cancel", id=command.order, **row)
            if not isinstance(command, Alert):
                continue
            if command.code == "threshold":
                key = KINDS[command.detail // 8], command.subject
                own = self._episode(key) if key in climbed else None
            elif command.code == "halted" and own is not None:
                self._add(now, own, "halt")
            elif command.code == "attempt_started" and command.detail == REDUCES:
                self._reduced(now, climbed, command)

    def _reduced(self, now: int, climbed: list[Key], alert: Alert) -> None:
        """Keep an attempt that gives sets back, for the first number that asked for it."""
        hedge = self.desk.hedge_of(int(alert.subject[1] or 0))
        for episode in map(self._episode, climbed):
            asks = rank(episode.level) >= LADDER.index("reduce")
            if asks and self.desk.concerns(episode.metric, episode.scope, hedge):
                sets = abs(alert.limit - alert.value)
                self._add(now, episode, "reduce", hedge=hedge, id=alert.subject[1], sets=sets)
                return

    def _entered(self, now: int, alert: Alert) -> None:
        """Keep an attempt of the journal that would not have begun."""
        hedge = self.desk.hedge_of(int(alert.subject[1] or 0))
        for key, standing in self.standing.items():
            if max(standing, default=0) >= RESTRICT and self.desk.concerns(*key, hedge):
                sets = abs(alert.limit - alert.value)
                episode = self._episode(key)
                self._add(now, episode, "refuse", hedge=hedge, id=alert.subject[1], sets=sets)
                return

    def _episode(self, key: Key) -> Episode:
        """Return the episode of a number that stands at a level."""
        return next(each for each in self.fold.open if (each.metric, each.scope) == key)

    def _add(self, now: int, episode: Episode, action: str, **more: object) -> None:
        row = {"now_ns": now, "episode": episode.number, "action": action, "level": episode.level}
        self.actions.append({**row, "metric": episode.metric, "name": episode.scope[1], **more})

    def episode_rows(self) -> Iterator[dict[str, object]]:
        """Yield one row for each episode, with how much would have followed from it."""
        actions: dict[object, list[dict[str, object]]] = {}
        for row in self.actions:
            actions.setdefault(row["episode"], []).append(row)
        for number, episode in sorted(self.found.items()):
            own = actions.get(number, [])
            done = [row["action"] for row in own]
            yield {
                "episode": number,
                "metric": episode.metric,
                "kind": episode.scope[0],
                "name": episode.scope[1],
                "onset_ns": episode.onset,
                "recognised_ns": episode.recognised,
                "ended_ns": episode.ended,
                "level": episode.worst.level,
                "value": episode.worst.value,
                "limit": episode.worst.limit,
                "cancels": done.count("cancel"),
                "reduced": sum(int(str(row["sets"])) for row in own if row["action"] == "reduce"),
                "refused": done.count("refuse"),
            }


EPISODES = {
    "episode": "int64",
    "metric": "string",
    "kind": "string",
    "name": "string",
    "onset_ns": "int64",
    "recognised_ns": "int64",
    "ended_ns": "int64",
    "level": "string",
    "value": "decimal",
    "limit": "decimal",
    "cancels": "int64",
    "reduced": "int64",
    "refused": "int64",
}
ACTIONS = {
    "now_ns": "int64",
    "episode": "int64",
    "action": "string",
    "level": "string",
    "metric": "string",
    "name": "string",
    "hedge": "string",
    "id": "uint64",
    "account": "string",
    "instrument": "string",
    "sets": "int64",
}


def table_of(rows: Iterable[dict[str, object]], columns: dict[str, str]) -> "pa.Table":
    """Return rows as an Arrow table with these columns; what a row does not have is null."""
    import pyarrow as pa

    kinds = {"decimal": pa.decimal128(38, 9)}
    fields = [(name, kinds.get(kind) or pa.type_for_alias(kind)) for name, kind in columns.items()]
    whole = [{name: row.get(name) for name in columns} for row in rows]
    return pa.Table.from_pylist(whole, schema=pa.schema(fields))
