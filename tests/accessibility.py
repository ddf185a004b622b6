"""What axe finds on a page: contrast, names, roles and states for screen readers and weak eyes."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT

_RUN = """async (options) => {
    const found = (await axe.run({ resultTypes: ["violations"], ...options })).violations;
    return found.flatMap((each) => each.nodes.map((node) => [each.id, node.html.slice(0, 150)]));
}"""


def violations(page: Any, **options: Any) -> list[list[str]]:
    """Return the rules that a page breaks, each with the part that breaks it.

    The script is large, and stays in the page for the next call.
    """
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    return page.evaluate(_RUN, options)
