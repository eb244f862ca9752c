"""Where *Hamlet* begins and ends in a Project Gutenberg file."""

from __future__ import annotations

from typing import Optional

__all__ = ['FIRST_LINES', 'LAST_LINE', 'hamlet_body']

FIRST_LINES = 'The Tragedie of Hamlet\n\nActus Primus'
LAST_LINE = 'FINIS. The tragedie of HAMLET, Prince of Denmarke.'


def hamlet_body(text: str) -> Optional[str]:
    r"""The play in a copy of Project Gutenberg's etext 2265, without what was put before and after it.

    Parameters
    ----------
    text : str
        The whole file. Line ends may be ``\r\n``; they are folded to ``\n``.

    Returns
    -------
    str or None
        From "The Tragedie of Hamlet / Actus Primus" through "FINIS. The tragedie of HAMLET, Prince of Denmarke.";
        `None` where one of the two is missing.
    """
    # Book: cuts with text[15858:], right for one old header only; its file happens to end with the play's last line.
    text = text.replace('\r\n', '\n')
    start = text.find(FIRST_LINES)
    end = text.find(LAST_LINE, start)
    return text[start:end + len(LAST_LINE)] if 0 <= start < end else None
