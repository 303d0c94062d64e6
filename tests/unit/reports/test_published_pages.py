"""What the pages say is what the code does: tables, schema, CSV columns, settings, commands, exit codes, links."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import typer.main

from sigmasight_api.settings import ApiSettings
from sigmasight_assets import cli
from sigmasight_assets.cli.console import Exit
from sigmasight_assets.reports.positions import COLUMNS

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("name", ["write_table_docs", "write_api_docs"])
def test_the_generated_pages_are_up_to_date(name: str) -> None:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    old = [path.name for path, content in script.pages().items() if path.read_text() != content]
    assert old == [], "run `make docs` and commit what it writes"


def test_the_positions_csv_is_described_column_by_column() -> None:
    described = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "reports.md").read_text().partition("## Positions CSV")[2], re.MULTILINE)
    assert described == list(COLUMNS)


def test_the_readme_lists_every_setting() -> None:
    listed = set(re.findall(r"^\| `(SIGMASIGHT_[A-Z_]+)`", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert listed == {f"SIGMASIGHT_{name.upper()}" for name in ApiSettings.model_fields}


def test_the_readme_lists_every_command() -> None:
    group = typer.main.get_command(cli.application())
    names = set()
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        if command.hidden:  # what the API starts, not a person
            continue
        names |= {f"{name} {inner}" for inner in command.commands} if hasattr(command, "commands") else {name}
    text = (ROOT / "README.md").read_text().partition("## Commands")[2]
    assert {name for name in names if f"`sigmasight {name}" not in text} == set()


def test_the_readme_lists_every_exit_code() -> None:
    text = (ROOT / "README.md").read_text()
    assert set(re.findall(r"^\| (\d+) \|", text, re.MULTILINE)) == {str(code.value) for code in Exit}


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:\s]*)(#[^)\s]*)?\)", page.read_text()):
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", found.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor[1:] in slugs, anchor
