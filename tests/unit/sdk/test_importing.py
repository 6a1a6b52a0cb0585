"""What `import pointsman` costs."""

import subprocess
import sys


def loaded_after(statement: str) -> set[str]:
    program = f"import sys; before = set(sys.modules); {statement}; print('\\n'.join(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    return set(done.stdout.split())


def test_the_package_alone_loads_nothing_but_the_standard_library():
    assert {"httpx2", "pydantic", "websockets"}.isdisjoint(loaded_after("import pointsman"))


def test_the_contract_is_standard_library_only():
    foreign = {name.partition(".")[0] for name in loaded_after("import pointsman.contract")} - {"pointsman"}
    assert foreign <= sys.stdlib_module_names


def test_every_exported_name_exists():
    import pointsman

    assert {name: getattr(pointsman, name).__name__ for name in pointsman.__all__} == {
        name: name for name in pointsman.__all__
    }


def test_an_unknown_name_is_an_attribute_error():
    import pointsman

    assert not hasattr(pointsman, "Agents")
