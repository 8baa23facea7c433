"""Lines at the end of what a terminal shows that are drawn anew a few times a second.

Control sequences: ECMA-48 (CUU, EL, ED), which every terminal knows that can move its cursor.
"""

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self, TextIO

from osiris.cli.screen import draw, is_terminal, notes_go_to

_PER_SECOND: Final = 8
_UNKNOWN: Final = os.terminal_size((80, 24))


class LiveLines:
    """Draws until its context ends; on what is no terminal only then.

    Args:
        stream: where it draws.
        lines: gives the lines for a width and a height in cells; called from any thread.
        transient: whether the lines go away at the end.

    """

    def __init__(
        self, stream: TextIO | None, lines: Callable[[int, int], Sequence[str]], *, transient: bool
    ) -> None:
        self._stream = stream
        self._lines = lines
        self._moves = is_terminal(stream)
        self._transient = transient and self._moves
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._drawn = 0
        self._thread = threading.Thread(target=self._again, name="progress", daemon=True)

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self._moves:
            self._draw()
            self._thread.start()
        notes_go_to(self.say)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Draw for the last time; take it away where it is transient."""
        notes_go_to(None)
        self._over.set()
        if self._moves:
            self._thread.join()
        self._draw()
        draw(self._above() + "\x1b[J" if self._transient else "\n")

    def say(self, text: str) -> None:
        """Put a line above the drawn ones, for good."""
        with self._lock:
            start = f"{self._above()}\x1b[J" if self._moves else ""
            self._drawn = 0
            draw(f"{start}{text}\n")
        if self._moves:
            self._draw()

    def _again(self) -> None:
        while not self._over.wait(1 / _PER_SECOND):
            self._draw()

    def _draw(self) -> None:
        lines = self._lines(*self._size())
        *first, last = lines
        with self._lock:
            if self._moves:
                # Cleared before it is written: behind a full line the cursor is on its last cell.
                text = "\n".join([*(f"\x1b[K{line}" for line in first), f"\x1b[J{last}"])
            else:
                text = "\n".join(lines)
            draw(self._above() + text)
            self._drawn = len(lines)

    def _above(self) -> str:
        """Return what moves the cursor to where the drawn lines begin."""
        if not self._moves:
            return ""
        return "\r" + (f"\x1b[{self._drawn - 1}A" if self._drawn > 1 else "")

    def _size(self) -> os.terminal_size:
        with suppress(OSError, ValueError, AttributeError):
            size = os.get_terminal_size(self._stream.fileno())  # type: ignore[union-attr]  # None is suppressed
            if all(size):
                return size
        return _UNKNOWN
