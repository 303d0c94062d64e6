"""Write docs/api.md and docs/openapi.json from the application itself: `python scripts/write_api_docs.py`.

`--examples STATE_DIR` first sends the examples' requests to the demonstration in that folder (on a copy of its database) and keeps the
answers.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from sigmasight_api import examples as api_examples
from sigmasight_api.app import openapi
from sigmasight_api.settings import ApiSettings

ROOT = Path(__file__).parents[1]
RESPONSES = ROOT / "sigmasight_api" / "examples" / "responses.json"
_INTRODUCTION = """# REST API

Generated from the application by `make docs`; a test fails where this page differs. The same as a document for programs:
[openapi.json](openapi.json), or `/openapi.json` of a running API; `/docs` is a page to try it on.

`make up` serves it on <http://127.0.0.1:8000> with the demonstration's portfolios. Log in, then ask:

```sh
# the address and the password are a line of .sigmasight/credentials
API=http://127.0.0.1:8000/api/v1
curl -s $API/auth/token -d username=demo_individual@sigmasight.com -d password=...   # {"access_token":"...", ...}
curl -s $API/risk/metrics -H "Authorization: Bearer ..."
```

- Money is USD; rates, volatilities, returns and shares are decimals (0.05 is 5 %). A number that is missing is null; `status` and `reason`
  say why. `meta` says of which session the numbers are, who computed them when, how much of the book they cover, and whether they are
  stale.
- `portfolio_id` may be left out by who owns one portfolio alone. What is not the caller's does not exist (404). `as_of` rolls back to the
  last computed session.
- Collections are pages: `items`, `page` (`limit` up to 500, `offset`, `total`) and `meta`. `sort=field,-field`. An unknown query field is a
  422.
- Errors are `application/problem+json` ([ProblemDocument](#problemdocument)): `code` for programs, `detail` for people, `errors` with the
  place of each value that cannot be used. What is not computed yet is a 404 with the code `not_materialized`, the table and the session.
- Every answer carries `X-Request-ID` and `RateLimit-*`; reads carry an `ETag` and answer 304 to `If-None-Match`.
"""


def pages() -> dict[Path, str]:
    """Path -> content of every generated page."""
    document = openapi(ApiSettings(_env_file=None))
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    return {ROOT / "docs" / "api.md": render(document), ROOT / "docs" / "openapi.json": text}


def render(document: dict[str, Any]) -> str:
    """All operations by section, then all models."""
    sections: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            sections.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    lines = [_INTRODUCTION]
    for section, listed in sections.items():
        lines += [f"## {section}", "", "| operation | |", "|---|---|"]
        lines += [f"| [{method} {path}](#{operation['operationId']}) | {operation['summary']} |" for method, path, operation in listed]
        lines.append("")
        for method, path, operation in listed:
            lines += _operation(method, path, operation)
    lines += ["## Models", ""]
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines += _model(name, schema)
    return "\n".join(lines).rstrip() + "\n"


def _operation(method: str, path: str, operation: dict[str, Any]) -> list[str]:
    lines = [f"### {operation['operationId']}", "", f"`{method} {path}`", "", operation.get("description", ""), ""]
    if operation.get("parameters"):
        lines += ["| parameter | in | type | |", "|---|---|---|---|"]
        for parameter in operation["parameters"]:
            schema = parameter["schema"]
            words = parameter.get("description") or schema.get("description", "")
            needed = " (needed)" if parameter.get("required") else ""
            lines.append(f"| `{parameter['name']}` | {parameter['in']} | {_type(schema)} | {_cell(words)}{needed} |")
        lines.append("")
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        lines += [f"Body: {_type(content.get('schema', {}))} ({kind})", ""]
    good = {status: response for status, response in operation["responses"].items() if status.startswith("2")}
    for status, response in good.items():
        kinds = ", ".join(f"{_type(content.get('schema', {})) or kind}" for kind, content in response.get("content", {}).items())
        lines += [f"Answer {status}: {kinds or response.get('description', 'nothing')}", ""]
    return lines


def _model(name: str, schema: dict[str, Any]) -> list[str]:
    lines = [f"### {name}", "", schema.get("description", ""), ""]
    if "properties" in schema:
        lines += ["| field | type | |", "|---|---|---|"]
        lines += [f"| `{field}` | {_type(part)} | {_cell(part.get('description', ''))} |" for field, part in schema["properties"].items()]
        lines.append("")
    return lines


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(part) for part in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    kind: str = schema.get("format") or schema.get("type") or ""
    return kind


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def record(state_dir: Path) -> None:
    """Ask the demonstration every example, and keep what it answers."""
    from tests.api.example_requests import send

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copy(state_dir / "sigmasight.db", copy / "sigmasight.db")
        kept = {}
        for name, example in sorted(api_examples.examples().items()):
            answer = send(copy / "sigmasight.db", example)
            if answer.headers.get("content-type") == "application/json":
                kept[name] = api_examples.shortened(answer.json())
    RESPONSES.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    api_examples.responses.cache_clear()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--examples", type=Path, metavar="STATE_DIR", help="folder of a demonstration, to ask the examples anew")
    arguments = parser.parse_args()
    if arguments.examples:
        record(arguments.examples)
    for path, content in pages().items():
        path.write_text(content, encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {len(content.encode()):,} bytes")


if __name__ == "__main__":
    main()
