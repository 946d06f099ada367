"""The rooms of the library: who may import whom, and which names stay inside a file.

Inside functions a room may import from floors above, so that a contract can draw and write itself.
"""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"
FILES = sorted(SRC.rglob("*.py"))

#: Floors from the ground up; a room imports from its own folder and from floors below.
FLOORS = [
    {"small"}, {"texts"}, {"arguments"}, {"accuracy"}, {"curves"}, {"valuation"}, {"shapes"},
    {"attendance"}, {"laws"}, {"problem"},
    {"contract", "complete_information"}, {"solver"}, {"file_fields", "residuals"},
    {"audit", "distortion", "files", "rewards"}, {"sweep_store"}, {"sweep_cluster"},
    {"sweeps", "welfare"}, {"checks"}, {"paper", "beyond"},
    {"figures"}, {"paid_with_models"}, {"pwm_companion"},
]  # fmt: skip
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

#: Packages that only one room may import.
ONLY = {"matplotlib": "figures", "seaborn": "figures", "cvxpy": "checks", "xarray": "sweeps"}


def room(parts):
    """The room of a module, given as the parts of its dotted name."""
    parts = [part for part in parts if part != "__init__"]
    return parts[1] if len(parts) > 1 and parts[0] == "paid_with_models" else parts[0]


def imports(path):
    """What a file imports: parts of dotted names, names taken, and whether on being imported.

    What only type checkers import does not count.
    """
    here = path.relative_to(SRC).with_suffix("").parts
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for top in tree.body:
        if isinstance(top, ast.If) and ast.unparse(top.test) == "TYPE_CHECKING":
            continue
        for node in ast.walk(top):
            if isinstance(node, ast.Import):
                yield from ((alias.name.split("."), [], node is top) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = [*here[: len(here) - node.level]] if node.level else []
                module, names = node.module or "", [alias.name for alias in node.names]
                found = [[*base, *module.split(".")]] if module else [[*base, n] for n in names]
                yield from ((parts, names, node is top) for parts in found)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SRC)))
def test_imports_go_down_and_private_names_stay_inside(path):
    mine = room(path.relative_to(SRC).with_suffix("").parts)
    for module, names, at_once in imports(path):
        assert not [name for name in names if name.startswith("_") and name != "__version__"]
        if module[0] in ("paid_with_models", "pwm_companion") and at_once:
            assert FLOOR[room(module)] < FLOOR[mine] or room(module) == mine, ".".join(module)
        elif module[0] in ONLY and "pwm_companion" not in path.parts:
            assert mine == ONLY[module[0]], module[0]
