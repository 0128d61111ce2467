"""A string as a YAML document, in the style that Go's yaml.v2 chooses for it."""

from __future__ import annotations

import base64
import re
from io import StringIO

from yaml.emitter import Emitter
from yaml.events import DocumentEndEvent, DocumentStartEvent, ScalarEvent, StreamEndEvent, StreamStartEvent

from netbench.runner.yamltypes import is_plain_string

__all__ = ("yaml_quoted",)

_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")


def yaml_quoted(text: bytes) -> bytes:
    """Give a string as YAML: plain where that reads back as the same string, quoted otherwise; ends with a line end."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        encoded = base64.b64encode(text).decode()
        return f"!!binary {encoded}\n".encode()
    # What is beyond the basic plane counts as unprintable there.
    escaped = any(character > "\uffff" for character in decoded)
    plain = is_plain_string(decoded) and not _BASE_60.fullmatch(decoded) and not escaped
    style = "|" if "\n" in decoded and not escaped else None if plain else '"'
    stream = StringIO()
    emitter = Emitter(stream, allow_unicode=True, width=80)
    for event in (
        StreamStartEvent(),
        DocumentStartEvent(explicit=False),
        ScalarEvent(anchor=None, tag=None, implicit=(plain, True), value=decoded, style=style),
        DocumentEndEvent(explicit=False),
        StreamEndEvent(),
    ):
        emitter.emit(event)
    return stream.getvalue().removeprefix("--- ").removesuffix("...\n").encode()
