"""What each dialect becomes in each other, file by file: `case.from-to`, beside what went in: `case.from`.

`python -m tests.golden.test_golden` writes them anew after a change that is meant; the difference is then to be read.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.dialects.registry import codec
from proxy.errors import Dialect
from proxy.translating import dialect_of, translate

FOLDER = Path(__file__).parent
CLIENTS: tuple[Dialect, ...] = ("openai", "responses", "anthropic", "gemini")
PROVIDERS: tuple[Dialect, ...] = (*CLIENTS, "bedrock", "cohere")
MODELS: dict[Dialect, str] = {"gemini": "gemini-2.5-pro", "bedrock": "anthropic.claude-sonnet-4-5-20250929-v1:0"}
CREATED = 1763700000
STATUS = 429  # of the errors here


def inputs() -> list[Path]:
    return sorted(path for path in FOLDER.iterdir() if path.suffix in {".json", ".sse"} and "-" not in _from(path))


def _from(path: Path) -> str:
    return path.name.split(".")[1]


def pairs() -> Iterator[tuple[Path, Dialect]]:
    for path in inputs():
        for target in PROVIDERS if path.name.startswith("request") else CLIENTS:
            if target != _from(path):
                yield path, target


def golden(path: Path, target: Dialect) -> Path:
    case, source, suffix = path.name.split(".")
    return path.with_name(f"{case}.{source}-{target}.{suffix}")


def translated(path: Path, target: Dialect) -> str:
    source = dialect_of(_from(path))
    status = STATUS if path.name.startswith("error") else 0
    found = translate(
        path.read_bytes(),
        source,
        target,
        is_stream=path.suffix == ".sse",
        model=MODELS.get(source, ""),
        status=status,
        now=CREATED,
    )
    if path.suffix == ".sse":
        return found.output.decode()
    said: dict[str, object] = {"body": json.loads(found.output)}
    if found.losses:
        said["losses"] = [f"{loss.name}: {loss.reason}" for loss in sorted(found.losses)]
    if status:
        said["status"] = found.status
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize(("path", "target"), [pytest.param(*pair, id=golden(*pair).stem) for pair in pairs()])
def test_a_translation_is_what_it_was(path: Path, target: Dialect) -> None:
    assert translated(path, target) == golden(path, target).read_bytes().decode()


def test_every_golden_file_has_what_went_in() -> None:
    wanted = {golden(*pair).name for pair in pairs()} | {path.name for path in inputs()}
    present = {path.name for path in FOLDER.iterdir() if path.suffix in {".json", ".sse"}}

    assert present == wanted


def test_every_dialect_that_answers_is_here() -> None:
    answering = {_from(path) for path in inputs() if path.name.startswith("answer")}

    assert answering == set(PROVIDERS)
    assert all(codec(dialect_of(name)).name == name for name in answering)


def main() -> None:
    """Writes all golden files anew."""
    for pair in pairs():
        golden(*pair).write_bytes(translated(*pair).encode())
        sys.stdout.write(f"{golden(*pair).name}\n")


if __name__ == "__main__":
    main()
