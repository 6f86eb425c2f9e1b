"""Claims that a writer may still hold: a rename takes the name, and not the open file.

A claim is handed out when it has stayed as it was since before its rename for a moment. One that changes after all must
come to rest, and be whole, as if it still lay in `incoming/`.
"""

from dataclasses import dataclass
from pathlib import Path

from intake.sources.claims import TYPE, Kind, kind_of, main_of, pages_of, problem_of
from intake.sources.resting import State, state_of


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the post folder waits, in seconds: for the end of a file after its last change, before a type that
    nobody knows is one, and after the rename."""

    incomplete: float = 900
    unknown_type: float = 600
    settle: float = 2


PATIENT = Patience()


@dataclass(slots=True)
class _Watched:
    state: State
    since: float | None
    changed: bool = False


class Settling:
    """The claims of one post folder that are watched, and those that are settled."""

    def __init__(self, processing: Path, patience: Patience, stable_seconds: float) -> None:
        self._processing = processing
        self._patience, self._stable_seconds = patience, stable_seconds
        self._watched: dict[str, _Watched] = {}
        self._settled: dict[str, State] = {}

    def __len__(self) -> int:
        return len(self._watched)

    def __contains__(self, claim_id: str) -> bool:
        return claim_id in self._watched

    @property
    def ids(self) -> list[str]:
        """What is watched."""
        return list(self._watched)

    def watch(self, claim_id: str, state: State, since: float | None) -> None:
        """Watch a claim that looked like this at `since` (monotonic seconds; None: from the next look on)."""
        self._watched[claim_id] = _Watched(state, since)

    def accept(self, claim_id: str) -> None:
        """Settled without a watch."""
        self._settled[claim_id] = self._state(claim_id)

    def is_settled(self, claim_id: str) -> bool:
        """Whether a claim was handed out and is still as it was; else it is watched again."""
        if claim_id not in self._settled:
            return False
        state = self._state(claim_id)
        if state == self._settled[claim_id]:
            return True
        del self._settled[claim_id]
        self._watched[claim_id] = _Watched(state, None, changed=True)
        return False

    def keep(self, claim_ids: list[str]) -> None:
        """Forget the claims that have gone."""
        present = set(claim_ids)
        self._watched = {name: watched for name, watched in self._watched.items() if name in present}
        self._settled = {name: state for name, state in self._settled.items() if name in present}

    def settle(self, now: float) -> list[str]:
        """Look at what is watched; the claims that are settled now."""
        done = [claim_id for claim_id, watched in self._watched.items() if self._is_at_rest(claim_id, watched, now)]
        for claim_id in done:
            self._settled[claim_id] = self._watched.pop(claim_id).state
        return done

    def _is_at_rest(self, claim_id: str, watched: _Watched, now: float) -> bool:
        try:
            state = self._state(claim_id)
        except OSError:
            return False
        if state != watched.state:
            watched.state, watched.since, watched.changed = state, now, True
        if watched.since is None:
            watched.since = now
        quiet = now - watched.since
        if not watched.changed:
            return quiet >= min(self._patience.settle, self._stable_seconds)
        return quiet >= self._patience.incomplete or (quiet >= self._stable_seconds and self._is_whole(claim_id))

    def _state(self, claim_id: str) -> State:
        main = main_of(self._processing / claim_id)
        return state_of(main) if main is not None else ()

    def _is_whole(self, claim_id: str) -> bool:
        main = main_of(self._processing / claim_id)
        if main is None:
            return True
        kind = kind_of(main.name, folder=main.is_dir())
        pages = pages_of(main)[0] if kind is Kind.FOLDER else (main,)
        return problem_of(kind, main, pages) in ("", TYPE)
