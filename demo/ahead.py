"""What a browser needs for the page's first screen, named at the top of the page.

Gradio's page finds out step by step which files it needs: each step waits for the last one, while
the connection does nothing. Named ahead, the files come one after the other.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
import re
from pathlib import Path

import brotli
import gradio as gr

FIRST_KINDS = (
    *("html", "tabs", "tabitem", "row", "column", "form", "image", "radio", "slider", "dropdown"),
    *("button", "accordion", "file", "state"),
)
"""Components without which Gradio shows no page."""
_FRONTEND = Path(gr.__file__).parent / "templates" / "frontend"
_FILES = re.compile(r"m\.f=(\[[^\]]*\])")
"""The names of the files that a script loads as it needs them; it tells them by their places."""
_IMPORT = r"import\(`\./({name}[^`]*\.js)`\)[^`]{{0,80}}?__vite__mapDeps\(\[([\d,]*)\]\)"
_PART = r"[{{,]{kind}:\{{[^{{}}]*?component:\(\)=>\w+\(\(\)=>"
_PAIR = re.compile(rb'"type":"imageslider".{0,600}?"url":"([^"]+)".{0,600}?"url":"([^"]+)"')
"""The photo and the result with which the page opens."""
_OWN_SHEET = re.compile(rb'<link rel="stylesheet" crossorigin href="\./assets/index-[^"]+">')


@functools.cache
def files_ahead(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the scripts and style sheets of a page with components of these kinds.

    They are read from Gradio's own files, in the order in which its page asks for them; none, if
    these are written otherwise than in the versions that are known.
    """
    try:
        page = _read("index.html")
        (entry,) = re.findall(r'src="\./assets/(index-[^"]+\.js)"', page)
        (frame,) = _imports(entry, "Index-")
        (blocks,) = _imports(frame[0], "Blocks-")
        names = [entry, *frame, *blocks]
        core = next(name for name in names if re.fullmatch(r"core-.*\.js", name))
        for kind in kinds:
            (files,) = _imports(core, "", after=_PART.format(kind=kind))
            names += files
    except (OSError, StopIteration, ValueError):
        return ()
    # The page itself names its own style sheet.
    return tuple(name for name in dict.fromkeys(names) if name == entry or name not in page)


@functools.cache
def sheet_ahead(kinds: tuple[str, ...]) -> tuple[str, str]:
    """Return the name and the text of one style sheet in the place of all of `files_ahead`."""
    text = "\n".join(
        _read(f"assets/{name}") for name in files_ahead(kinds) if name.endswith(".css")
    )
    return f"ahead-{hashlib.sha256(text.encode()).hexdigest()[:16]}.css", text


def is_ahead(name: str, kinds: tuple[str, ...]) -> bool:
    """Say whether a file is among `files_ahead`, or is the style sheet in their place."""
    return name in files_ahead(kinds) or name == sheet_ahead(kinds)[0]


@functools.cache
def encoded(name: str, kinds: tuple[str, ...], encoding: str) -> bytes:
    """Return one of these files in an encoding for browsers: "br", "gzip" or "identity".

    It is small, which takes a while the first time.
    """
    sheet, text = sheet_ahead(kinds)
    data = (text if name == sheet else _read(f"assets/{name}")).encode()
    if encoding == "br":
        return brotli.compress(data, mode=brotli.MODE_TEXT, quality=10)
    return gzip.compress(data) if encoding == "gzip" else data


def prepare(kinds: tuple[str, ...]) -> None:
    """Encode all these files, so that no visitor waits for it."""
    for name in files_ahead(kinds):
        encoded(sheet_ahead(kinds)[0] if name.endswith(".css") else name, kinds, "br")


def named_ahead(page: bytes, kinds: tuple[str, ...]) -> bytes:
    """Return a page that names its files at the top, and the pictures with which it opens last.

    The one style sheet comes after the page's own, as those do in whose place it is. Gradio takes
    them for loaded, and the browser does not load what is disabled.
    """
    files, own = files_ahead(kinds), _OWN_SHEET.search(page)
    if not files or not own:
        return page
    sheet = sheet_ahead(kinds)[0]
    sheets = [f'<link rel="stylesheet" crossorigin href="./assets/{sheet}">']
    tags = [f'<link rel="preload" as="style" crossorigin href="./assets/{sheet}">']
    for name in files:
        if name.endswith(".css"):
            sheets.append(f'<link rel="stylesheet" disabled href="./assets/{name}">')
        else:
            tags.append(f'<link rel="modulepreload" href="./assets/{name}">')
    pair = _PAIR.search(page)
    for address in pair.groups() if pair else ():
        tags.append(f'<link rel="preload" as="image" href="{address.decode()}">')
    end = own.end()
    page = page[:end] + "\n".join(["", *sheets]).encode() + page[end:]
    head, script, rest = page.partition(b"<script")
    return head + "\n".join([*tags, ""]).encode() + script + rest


def _read(name: str) -> str:
    return (_FRONTEND / name).read_text(encoding="utf-8")


def _imports(script: str, name: str, after: str = "") -> list[tuple[str, ...]]:
    """Return the files of each import of a script by another one: itself, and what it needs."""
    text = _read(f"assets/{script}")
    listed = _FILES.search(text)
    files = [Path(each).name for each in json.loads(listed[1])] if listed else []
    found = re.finditer(after + _IMPORT.format(name=name), text)
    return [(each[1], *(files[int(n)] for n in each[2].split(",") if n)) for each in found]
