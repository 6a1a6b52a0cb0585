"""The library as its users install it."""

import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

SDK = Path(__file__).parent.parent.parent.parent / "sdk"


def test_the_librarys_wheel_is_small_typed_and_brings_its_licence(tmp_path: Path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=SDK, check=True, timeout=50
    )
    (path,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        metadata = message_from_bytes(wheel.read(next(name for name in names if name.endswith("METADATA"))))
    assert {name.partition("/")[0] for name in names} == {
        "pointsman",
        path.name[: -len("-py3-none-any.whl")] + ".dist-info",
    }
    assert "pointsman/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    requirements = {requirement.split(">")[0] for requirement in metadata.get_all("Requires-Dist", [])}
    assert requirements == {"httpx2", "pydantic", "websockets"}
