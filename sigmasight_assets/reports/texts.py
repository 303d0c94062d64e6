"""Text in Markdown: markup escaped, control characters gone, columns that line up in a monospaced view."""

from __future__ import annotations

import re
import unicodedata

_MARKUP = re.compile(r"[\\|<>*`\[\]$~#]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
"""What could start markup: an underscore between letters or digits could not, nor an ampersand that begins no entity."""
_BIDI_CONTROLS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
_BREAKS = {"Cc", "Zl", "Zp"}


def escape(text: str) -> str:
    """Text that cannot break a table, pass as markup or reorder what stands beside it."""
    return _MARKUP.sub(lambda match: "\\" + match[0], one_line(text))


def one_line(text: str) -> str:
    """Control characters and line breaks as blanks, without marks that change the direction of writing."""
    visible = text.translate(_BIDI_CONTROLS)
    return "".join(" " if unicodedata.category(sign) in _BREAKS else sign for sign in visible)


def width(text: str) -> int:
    """Columns that a text takes in a monospaced view: wide signs take two, combining marks none."""
    return sum(0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def padded(text: str, columns: int, *, right: bool) -> str:
    blanks = " " * (columns - width(text))
    return blanks + text if right else text + blanks
