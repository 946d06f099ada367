"""``pwm report``: the page, and what is refused."""

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from bs4 import BeautifulSoup

from paid_with_models import (
    GeneralizationBound,
    PowerLaw,
    Problem,
    UnlikeParties,
    audit,
    autarky,
    proportional_rewards,
    solve,
)
from paid_with_models.beyond.commitment import value_of_response
from paid_with_models.files import CURVES, VALUATIONS
from pwm_companion import cli
from pwm_companion.consortium import page as report_page
from pwm_companion.consortium import variants as report
from pwm_companion.consortium.file import (
    consortium_schema,
    example,
    read_consortium,
)

STATED: dict[str, Any] = {
    "title": "Two types",
    "n_parties": 5,
    "types": [
        {"name": "small", "probability": 0.6, "cost": 0.2},
        {"name": "large", "probability": 0.4, "cost": 0.1},
    ],
    "accuracy": {"name": "GeneralizationBound"},
}
CSV = "data,accuracy\n10,0.3\n100,0.6\n1000,0.8\n"


def write(folder: Path, data: Any) -> Path:
    path = folder / "consortium.yaml"
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data, sort_keys=False))
    return path


def make(path: Path) -> BeautifulSoup:
    output = path.with_suffix(".html")
    assert cli.main(["report", str(path), "--output", str(output)]) == 0
    return BeautifulSoup(output.read_text(), "html.parser")


@pytest.mark.parametrize("name", ["hospitals.yaml", "banks.yaml"])
def test_examples(tmp_path: Path, name: str) -> None:
    output = tmp_path / "report.html"
    assert cli.main(["report", str(example(name)), "--output", str(output)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    page = BeautifulSoup(output.read_text(), "html.parser")
    contract = solve(read_consortium(example(name)).problem)
    text = page.get_text(" ")
    assert "proved optimal" in text
    assert f"{contract.expected_accuracy:.9g}" in text
    assert page.svg["role"] == "img"
    assert page.svg["aria-label"]
    heads = [head.text for head in page.find_all("h2")]
    assert ("The scheme in use" in heads) == (name == "hospitals.yaml")
    assert not page.find_all(["script", "link", "img", "iframe"])
    assert "http" not in output.read_text()


def test_outside_options_of_a_table_of_parties() -> None:
    problem = read_consortium(example("banks.yaml")).problem
    assert problem.n_parties == 6
    assert problem.probabilities == pytest.approx([1 / 2, 1 / 3, 1 / 6])
    assert problem.outside_options[1] == 70


def test_nothing_stated_is_not_stated(tmp_path: Path) -> None:
    kinds = [kind | {"outside": None, "max_data": None} for kind in STATED["types"]]
    plain = read_consortium(write(tmp_path, STATED)).problem
    assert read_consortium(write(tmp_path, STATED | {"types": kinds})).problem == plain


def test_text_is_escaped(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\"'&"
    data = STATED | {
        "title": evil,
        "data_unit": "<b>samples",
        "value_unit": "<script>x</script>",
        "types": [STATED["types"][0] | {"name": evil}, STATED["types"][1]],
        "present": {"contributions": [1, 1], "rewards": [1, 1]},
    }
    page = make(write(tmp_path, data))
    assert not page.find_all(["script", "b"])
    assert page.h1.text == f"{evil}: the best contract"


@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_drawn_rewards_are_those_of_the_exact_distribution(beliefs: Any) -> None:
    problem = Problem(6, [0.5, 0.3, 0.2], [0.4, 0.2, 0.1], GeneralizationBound(), beliefs=beliefs)
    contract = solve(problem)
    exact, drawn = proportional_rewards(contract), report.reward_spread(contract)
    error = exact.standard_deviations / np.sqrt(report.DRAWS)
    assert np.all(np.abs(drawn.means - exact.means) < 5 * error + 1e-9)
    for i in range(3):
        for level, value in zip(report.LEVELS, drawn.levels[i], strict=True):
            seen, values = exact.probabilities[:, i], exact.values[:, i]
            # The exact distribution has atoms: the level lies between below and up to the value.
            assert seen[values < value - 1e-9].sum() < level + 0.02
            assert seen[values <= value + 1e-9].sum() > level - 0.02


def test_each_variant_changes_one_assumption() -> None:
    hospitals = read_consortium(example("hospitals.yaml"))
    reached = solve(hospitals.problem).expected_accuracy
    changed = report.variants(hospitals.problem, hospitals.fit)
    assert "A power law through the measured points" in changed
    accuracy = {name: solve(it).expected_accuracy for name, it in changed.items()}
    assert all(value != reached for value in accuracy.values())
    better = {"Costs 20 % lower", "10 parties", "The cheapest type 20 % more likely"}
    better |= {"Models' value 20 % higher"}
    worse = {"Costs 20 % higher", "6 parties", "The costliest type 20 % more likely"}
    worse |= {"Outside options 5 % better", "Best accuracy 5 % lower", "Models' value 20 % lower"}
    assert all(accuracy[name] > reached for name in better)
    assert all(accuracy[name] < reached for name in worse)
    # More data for every accuracy is the same as dearer data, and lower values as dearer ones.
    slower = accuracy["20 % more data for the same accuracy"]
    assert slower == pytest.approx(accuracy["Costs 20 % higher"], abs=1e-8)
    dearer = report._changed(hospitals.problem, None, costs=hospitals.problem.costs / 0.8)
    less = accuracy["Models' value 20 % lower"]
    assert less == pytest.approx(solve(dearer).expected_accuracy, abs=1e-8)


def test_every_curve_has_a_slower_one() -> None:
    given = {"PowerLaw": (0.9, 1.0, 0.5, 2.0), "Saturating": ((0.5,), (0.1,))}
    data = np.array([5.0, 50.0, 500.0, 5000.0])
    for name, kind in CURVES.items():
        curve: Any = kind(*given.get(name, ()))
        if name == "GeneralizationBound":
            assert report._slower(curve)(5000.0) < curve(5000.0)
        else:
            assert report._slower(curve)(1.2 * data) == pytest.approx(curve(data), abs=1e-12)


def test_every_curve_has_a_lower_one() -> None:
    given = {"PowerLaw": (0.9, 1.0, 0.5), "Saturating": ((0.5,), (0.1,))}
    for name, kind in CURVES.items():
        curve: Any = kind(*given.get(name, ()))
        lower = report._lower(curve)
        assert lower.optimum == pytest.approx(0.95 * curve.optimum)
        assert lower(500.0) < curve(500.0)


def test_a_fit_to_perfect_points_stays_below_one(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("data,accuracy\n1,0.9\n10,1\n100,1\n200,1\n")
    curve = read_consortium(write(tmp_path, STATED | {"accuracy": {"csv": "points.csv"}})).problem
    assert curve.accuracy.optimum <= 1 + 1e-12
    assert float(curve.accuracy(100.0)) > 0.98


def test_twelve_types_and_two_hundred_parties(tmp_path: Path) -> None:
    parties = [{"type": f"type {i % 12}", "cost": 0.05 * (1 + i % 12)} for i in range(200)]
    (tmp_path / "points.csv").write_text(CSV)
    accuracy = {"csv": "points.csv"}
    path = write(tmp_path, {"title": "Many", "parties": parties, "accuracy": accuracy})
    start = time.process_time()
    page = make(path)
    assert time.process_time() - start < 20
    assert len(page.find_all("table")[0].tbody.find_all("tr")) == 12


@pytest.mark.parametrize("n_parties", [3_000, 100_000])
def test_very_many_parties_on_measured_points(tmp_path: Path, n_parties: int) -> None:
    source = example("hospitals.yaml")
    data = yaml.safe_load(source.read_text(encoding="utf-8"))
    shutil.copy(source.with_name("hospitals.csv"), tmp_path)
    page = make(write(tmp_path, data | {"n_parties": n_parties}))
    assert f"these {n_parties} parties" in response(page)


def test_what_cannot_be_computed_is_not_shown() -> None:
    for value in (np.nan, np.inf, -np.inf):
        for shown in (report_page.number, report_page.percent):
            with pytest.raises(ArithmeticError, match="too large or too small"):
                shown(value)


def changed(**changes: Any) -> dict[str, Any]:
    data = STATED | changes
    return {name: value for name, value in data.items() if value is not None}


def of_parties(*types: str) -> dict[str, Any]:
    parties = [{"name": str(i), "type": kind, "cost": 0.2} for i, kind in enumerate(types)]
    return changed(types=None, n_parties=None) | {"parties": parties}


TYPE = STATED["types"][0]
HALVES = [kind | {"probability": 0.5} for kind in STATED["types"]]
TEXT = """\
title: Two
n_parties: 5
types:
  - {name: small, probability: 0.6, cost: 0.2}
  - {name: large, probability: 0.4, cost: 0.1}
accuracy: {name: GeneralizationBound}
"""
#: Seven lines that stand for ten million values.
BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("0.2", "2e-1"),
        TEXT.replace("n_parties: 5", "n_parties: 5.0"),
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT,
        TEXT.encode("utf-16"),
        TEXT.replace("- {name: s", "- &s {name: s").replace("0.1}", "0.1, <<: *s}"),
    ],
)
def test_files_that_can_be_understood(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "consortium.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    problem = read_consortium(path).problem
    assert problem.n_parties == 5
    assert problem.costs.tolist() == [0.2, 0.1]


def test_a_curve_that_is_nowhere_steep_is_drawn_when_nobody_takes_part(tmp_path: Path) -> None:
    bound = {"name": "GeneralizationBound", "parameters": {"complexity": 10}}
    types = [kind | {"outside": 500} for kind in STATED["types"]]
    page = make(write(tmp_path, STATED | {"types": types, "accuracy": bound}))
    assert "no contract makes it worth anybody's while" in page.get_text(" ")
    (curve,) = page.find_all("polyline")
    heights = [float(point.split(",")[1]) for point in curve["points"].split()]
    assert heights[0] - heights[-1] > 83  # of the 166 that an accuracy from 0 to 1 takes


def column(page: BeautifulSoup, heading: str) -> list[str]:
    """Return the cells below a heading of whichever table has it."""
    (head,) = (it for it in page.find_all("th", scope="col") if it.text == heading)
    place = head.find_previous_siblings("th")
    rows = head.find_parent("table").tbody.find_all("tr")
    return [row.find_all("td")[len(place) - 1].text for row in rows]


def test_gains_in_short_are_those_of_types_that_take_part(tmp_path: Path) -> None:
    types = [STATED["types"][0], STATED["types"][1] | {"outside": 500}]
    page = make(write(tmp_path, STATED | {"types": types}))
    text = " ".join(page.ul.text.split())
    assert "1 of 2 types of party take part" in text
    gain, _ = column(page, "Gain over going alone")
    assert float(gain) < 100
    assert f"a party that takes part gains from {gain} to {gain} units of value" in text


def test_the_costliest_type_may_gain(tmp_path: Path) -> None:
    """The outside option of the second raises the reward of the first, who could take its place."""
    types = [
        {"name": str(cost), "probability": 1 / 3, "cost": cost} | outside
        for cost, outside in ((0.2, {}), (0.12, {"outside": 40}), (0.05, {}))
    ]
    page = make(write(tmp_path, STATED | {"n_parties": 10, "types": types}))
    assert column(page, "Gain over the outside option")[:2] == ["2.388", "0"]
    assert "costliest" not in page.find(string="What each type gains").find_next("p").text


def test_small_numbers_are_not_zero_and_rounding_errors_are(tmp_path: Path) -> None:
    """Another unit of value, or of data, changes all numbers by the same factor."""
    cells = []
    for unit in (1e-7, 1.0, 1e8):
        types = [kind | {"cost": kind["cost"] * unit} for kind in STATED["types"]]
        worth = {"name": "LinearValuation", "parameters": {"scale": 100 * unit}}
        page = make(write(tmp_path, STATED | {"types": types, "valuation": worth}))
        names = ("Cost of one more unit of data", "Net value alone", "Gain over the outside option")
        found = [column(page, name) for name in names]
        cells.append([[float(it.replace(",", "")) / unit for it in row] for row in found])
        assert found[2][0] == "0"
    for row in zip(*cells, strict=True):
        assert row[0] == pytest.approx(row[1], rel=1e-3)
        assert row[2] == pytest.approx(row[1], rel=1e-3)
    assert cells[1][0] == [0.2, 0.1]


def test_texts_stay_texts(tmp_path: Path) -> None:
    text = TEXT.replace("Two", "2024-01-01").replace("small", "no").replace("large", "1:30")
    found = read_consortium(write(tmp_path, text))
    assert (found.title, found.names) == ("2024-01-01", ("no", "1:30"))


def test_names_of_a_table_of_parties_are_listed(tmp_path: Path) -> None:
    banks = read_consortium(example("banks.yaml"))
    assert banks.members == (("Bank A", "Bank B", "Bank C"), ("Bank D", "Bank E"), ("Bank F",))
    path = tmp_path / "banks.yaml"
    path.write_text(example("banks.yaml").read_text())
    assert "Bank A, Bank B, Bank C" in make(path).find("table").text


def test_a_scheme_that_breaks_the_rules_is_told_in_words(tmp_path: Path) -> None:
    scheme = {"contributions": [300, 100], "rewards": [60, 95]}
    page = make(write(tmp_path, STATED | {"present": scheme}))
    (section,) = (it for it in page.find_all("section") if it.h2.text == "The scheme in use")
    said = " ".join(section.ul.text.split())
    assert "does not work" in section.p.text
    found = audit(read_consortium(tmp_path / "consortium.yaml").problem, [300, 100], [60, 95])
    assert f"small does better, by {found.deviation_gain[0]:.4g} units of value" in said
    assert f"large is promised {-found.caps[1]:.4g} units of value more than can be" in said


def test_a_type_without_a_part_in_the_scheme_is_out(tmp_path: Path) -> None:
    best = solve(Problem(5, [0.6, 0.4], [0.2, 0.1], GeneralizationBound()))
    scheme = {"contributions": [0, best.contributions[1]], "rewards": [0, best.rewards[1] - 5]}
    scheme = {name: [float(it) for it in values] for name, values in scheme.items()}
    page = make(write(tmp_path, STATED | {"present": scheme}))
    (section,) = (it for it in page.find_all("section") if it.h2.text == "The scheme in use")
    assert section.tbody.tr.find_all("td")[-1].text == "no"


def test_who_leaves_if_the_menu_stays(tmp_path: Path) -> None:
    """The costliest type has nothing to spare: with higher costs it goes, with lower ones not."""
    page = make(write(tmp_path, STATED))
    (section,) = (it for it in page.find_all("section") if "assumption" in it.h2.text)
    said = {row.th.text: row.find_all("td")[-1].text for row in section.tbody.find_all("tr")}
    assert said["As stated"] == "works"
    assert "small stays out" in said["Costs 20 % higher"]
    assert "stays out" not in said["Costs 20 % lower"]
    assert "less than promised" in said["4 parties"]


def test_who_stays_out_picks_no_other_option() -> None:
    """The first type would rather have the option of the last, and rather still none."""
    problem = Problem(
        10, [0.2, 0.3, 0.5], [1.0, 0.2, 0.19], GeneralizationBound(),
        reservation_utilities=[10.0] * 3,
    )  # fmt: skip
    found = audit(problem, [60.0] * 3, [25.0, 25.0, 26.0])
    assert found.deviation_gain.tolist() == [1.0, 1.0, 0.0]
    said = report_page.what_is_kept(found, ("a", "b", "c"), 1e-7)
    assert said == "a stays out; b picks another option"


def test_many_types_with_better_options_outside(tmp_path: Path) -> None:
    """The search for who takes part is cut short, and the report says by how much."""
    costs = [0.05 * (1 + k) for k in range(12)]
    curve = {"name": "PowerLaw", "parameters": {"optimum": 0.95, "scale": 2.0, "exponent": 0.4}}
    alone = autarky(Problem(200, [1 / 12] * 12, costs, PowerLaw(0.95, 2.0, 0.4))).utilities
    types = [
        {"name": f"type {k}", "probability": 1 / 12, "cost": cost, "outside": float(u * 1.05)}
        for k, (cost, u) in enumerate(zip(costs, alone, strict=True))
    ]
    path = write(tmp_path, {"title": "M", "n_parties": 200, "types": types, "accuracy": curve})
    start = time.process_time()
    text = make(path).get_text(" ")
    assert time.process_time() - start < 40  # others use this machine
    assert "No other contract is" in text


@pytest.mark.parametrize("field", ["measured", "csv"])
@pytest.mark.parametrize("name", ["consortium.yaml", "points.csv", "link.html", "hard.html", "."])
def test_what_is_not_to_be_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str, name: str
) -> None:
    """The file and what it names, by whatever name."""
    (tmp_path / "points.csv").write_text(CSV)
    (tmp_path / "link.html").symlink_to("points.csv")
    (tmp_path / "hard.html").hardlink_to(tmp_path / "points.csv")
    path = write(tmp_path, STATED | {"accuracy": {field: "points.csv"}})
    text = path.read_text()
    assert cli.main(["report", str(path), "--output", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.startswith("pwm: --output: ")
    assert path.read_text() == text
    assert (tmp_path / "points.csv").read_text() == CSV


@pytest.mark.parametrize("name", ["report.pdf", "report", "report.html.txt"])
def test_a_report_is_a_page_of_html(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert cli.main(["report", str(example("banks.yaml")), "--output", str(tmp_path / name)]) == 2
    assert "must end in .html" in capsys.readouterr().err
    assert not (tmp_path / name).exists()


def response(page: BeautifulSoup) -> str:
    """What a report says about contributions that respond."""
    (section,) = (it for it in page.find_all("section") if "responded" in it.h2.text)
    return " ".join(section.text.split())


def test_what_responding_adds_is_told_in_the_file_s_units(tmp_path: Path) -> None:
    """Accuracies include the baseline, and what is found is what the library finds."""
    sizes = np.geomspace(20, 20_000, 12)
    rows = [f"{n:.6g},{0.5 + 0.4 * (1 - np.exp(-n / 400)):.6f}" for n in sizes]
    (tmp_path / "points.csv").write_text("\n".join(["data,accuracy", *rows]))
    accuracy = {"measured": "points.csv", "baseline": 0.5}
    path = write(tmp_path, STATED | {"accuracy": accuracy, "data_unit": "scans"})
    found = value_of_response(solve(read_consortium(path).problem))
    said = response(make(path))
    assert found.own_gain > 1e-4  # worth saying
    assert f"accuracy of {100 * (0.5 + found.own_best.expected_accuracy):.2f} %" in said
    assert f"fixed contract {100 * (0.5 + found.own_menu):.2f} %" in said
    assert "scans whoever joins" in said or "scans; the fixed contract" in said
    assert "the fitted curve among it" in said


def test_what_responding_adds_is_left_out_where_it_takes_too_long(tmp_path: Path) -> None:
    types = [{"name": str(k), "probability": 0.2, "cost": 0.1 + k / 9, "outside": 80 - k}
             for k in range(5)]  # fmt: skip
    page = make(write(tmp_path, STATED | {"n_parties": 30, "types": types}))
    assert "is not worked out here" in response(page)
    assert "rests on" not in response(page)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (changed(title=None), "line 1, title: is missing"),
        (changed(title="  "), "line 1, title: must not be blank"),
        (changed(attendance=7), "attendance: must be one of"),
        (
            changed(n_parties=1_000_001, attendance="known", types=HALVES),
            "known parties must be whole numbers of each type",
        ),
        (changed(accuracy=None), "line 1, accuracy: is missing"),
        (changed(n_parties=None), "must state either types and n_parties, or types and groups"),
        (changed(types=None), "must state either types and n_parties, or types and groups"),
        (changed(types=[TYPE | {"cost": -1}]), "line 6, types.0.cost: must be more than 0; got -1"),
        (changed(types=[{"name": "a", "cost": 1}]), "line 4, types.0.probability: is missing"),
        (changed(types=[TYPE]), "line 3, types: probabilities must sum to 1"),
        (changed(types=[TYPE | {"cost": 1 + k} for k in range(10_000)]), "got 10000"),
        (changed(accuracy={"name": "Nobody"}), "line 11, accuracy.name: must be one of"),
        (changed(accuracy={"csv": "none.csv"}), "line 11, accuracy.csv: "),
        (changed(accuracy={"csv": "."}), "line 11, accuracy.csv: must be a file; "),
        (changed(extra=1), "line 12, extra: is not a known field"),
        (changed(present={"contributions": [1], "rewards": [1, 1]}), "one entry per type, 2"),
        (changed(accuracy={"name": "powerlaw"}), "got 'powerlaw'; did you mean PowerLaw?"),
        (changed(accuracy={"name": "PowerLaw"}), "line 10, accuracy.parameters.optimum: is"),
        (
            changed(accuracy={"csv": "a.csv", "name": "Arctan"}),
            "must have one of measured, csv, like",
        ),
        (changed(valuation={"name": "Linear"}), "did you mean LinearValuation?"),
        (changed(n_partys=5), "present; did you mean n_parties?"),
        (changed(types=[TYPE | {"probabilty": 1}]), "did you mean probability?"),
        (changed(types=[TYPE, TYPE]), "line 5, types.1.name: must be a name of its own"),
        (changed(types=[TYPE | {"name": " "}]), "line 4, types.0.name: must not be blank"),
        (of_parties("A", "A", "B", "B "), "line 15, parties.3.type: must be a name of its own"),
        (
            {**of_parties("A", "A"), "parties": [{"name": "x", "type": "A", "cost": 1}] * 2},
            "parties.1.name: must be a name of its own; got 'x'",
        ),
        (
            changed(types=[TYPE | {"name": "\u00e9"}, TYPE | {"name": "e\u0301"}]),
            "line 7, types.1.name: must be a name of its own",
        ),
        (of_parties("A", "A", " "), "line 12, parties.2.type: must not be blank; got ' '"),
        (changed(types=[TYPE | {"cost": True}]), "cost: must be a number; got True"),
        (changed(types=[TYPE | {"cost": 10**400}]), "line 6, types.0.cost: must be a number below"),
        (changed(title="a\0b"), "title: must not hold control characters"),
        ("title: [", "is not valid YAML: line 2"),
        ("title: [" * 5000, "is not valid YAML"),
        ("", "must hold a mapping"),
        (TEXT + "n_parties: 6\n", "line 7: n_parties is stated twice"),
        (TEXT.replace("cost: 0.2", "cost: 0.2, cost: 1"), "types.0.cost is stated twice"),
        (TEXT.replace("0.2", ".nan"), "line 4, types.0.cost: must be a number; got '.nan'"),
        (TEXT.replace("0.2", "1e999"), "line 4, types.0.cost: must be a number below"),
        (TEXT.replace("0.2", "1e300"), "must be a number below 1e+300; got 1e+300"),
        (
            TEXT.replace("cost: 0.2", "cost: 0.2, max_data: .inf"),
            "types.0.max_data: must be a number, or null where there is no limit; got '.inf'",
        ),
        (TEXT.replace("0.2", "2024-01-01"), "must be a number; got '2024-01-01'"),
        (TEXT.replace("n_parties: 5", "n_parties: 1:30"), "must be a whole number; got '1:30'"),
        (TEXT.replace("n_parties: 5", "n_parties: yes"), "must be a whole number; got 'yes'"),
        (TEXT.replace("n_parties: 5", "n_parties: 5.5"), "must be a whole number; got 5.5"),
        (TEXT.replace("types:", "types: &a [*a]\nextra:"), "line 3: must not refer to itself"),
        (BOMB + TEXT, "states more than 300000 values"),
        (TEXT + "---\n" + TEXT, "is not valid YAML: line 7: a second document begins"),
        (TEXT.replace("Two", "!!python/name:os.system x"), "is not valid YAML: line 1"),
        (TEXT + "? [a, b]\n: 1\n", "is not valid YAML: line 7"),
        ("#" * 5_000_001, "is larger than 5 MB"),
    ],
)
def test_broken_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: Any, message: str
) -> None:
    refused(write(tmp_path, data), capsys, message)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (
            "data,accuracy\n10,0.5\n20,good\n30,0.7\n",
            "line 3: accuracy must be a number; got 'good'",
        ),
        ("data,accuracy\n10,0.5\n20\n30,0.7\n", "line 3 must have 2 cells"),
        ("data,accuracy\n1_0,0.5\n20,0.6\n", "line 2: amount of data must be a number; got '1_0'"),
        ("data,accuracy\n10,30\n20,40\n40,50\n", "say percent: true"),
        ("data,error\n10,0.5\n20,0.4\n40,0.3\n", "'error' is an error rate"),
        ("data;accuracy\n1.000;0,5\n2.000;0,6\n", "'1.000' can be 1 or 1000"),
        ("", "holds no rows"),
        ("data,accuracy\n10,0.9\n20,0.6\n30,0.4\n", "must not fall all along"),
        ("data,accuracy\n10,0.5\n20,0.6\n", "3 different amounts of data"),
        ("a,b\n1,.2\n", "no heading names the amount of data"),
    ],
)
def test_broken_points(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], points: str, message: str
) -> None:
    (tmp_path / "points.csv").write_text(points)
    refused(write(tmp_path, changed(accuracy={"csv": "points.csv"})), capsys, message)


@pytest.mark.parametrize(
    ("accuracy", "message"),
    [
        ({"measured": "a.csv", "baseline": 1}, "accuracy.baseline: must be below 1; got 1"),
        ({"measured": "a.csv", "percent": "yes"}, "accuracy.percent: must be true or false"),
        ({"measured": "a.csv", "columns": {"sise": 1}}, "did you mean size?"),
        ({"measured": "a.csv", "csv": "a.csv"}, "must have one of measured, csv, like"),
        ({"name": "Arctan", "baseline": 0.5}, "must have one of measured, csv, like"),
        ({"like": {}}, "accuracy.like: must have at least 1 field"),
        ({"like": {"learner": "SVC_rbf"}}, "baseline must be stated"),
        ({"like": {"learner": "SVC"}, "baseline": 0.5}, "learner must be one of"),
        ({"like": {"classes": "two"}, "baseline": 0.5}, "must be a whole number or a list"),
    ],
)
def test_what_is_stated_wrongly_about_measurements_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], accuracy: Any, message: str
) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    refused(write(tmp_path, changed(accuracy=accuracy)), capsys, message)


def test_what_the_data_do_not_support_is_said_before_what_is_proved(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(
        "data,accuracy\n80,.08\n160,.08\n320,.08\n640,.08\n1300,.97\n"
    )
    page = make(write(tmp_path, STATED | {"accuracy": {"measured": "points.csv"}}))
    first = page.find("section")
    assert first.h2.text == "Before you rely on this"
    said = first.text
    assert "do not support this contract" in said
    assert "speaks of the optimization" in said
    assert "The fit misses" in said
    assert "jumps" in said
    assert "band" in said


def test_data_that_support_the_menu_are_said_to(tmp_path: Path) -> None:
    sizes = np.geomspace(2, 100_000, 30)
    rows = [
        f"{n:.6g},{0.3 * (1 - np.exp(-n / 40)) + 0.6 * (1 - np.exp(-n / 400)):.6f},0.001"
        for n in sizes
    ]
    (tmp_path / "points.csv").write_text("\n".join(["data,accuracy,std", *rows]))
    page = make(write(tmp_path, STATED | {"accuracy": {"csv": "points.csv"}}))
    headings = [section.h2.text for section in page.find_all("section")]
    assert headings[:2] == ["In short", "What the data support"]


def test_accuracies_of_a_report_are_above_the_baseline(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("n,acc\n0,.5\n100,.6\n400,.7\n1600,.75\n6400,.78\n")
    consortium = read_consortium(write(tmp_path, STATED | {"accuracy": {"measured": "points.csv"}}))
    assert consortium.baseline == 0.5
    contract = solve(consortium.problem)
    handed = report.reward_spread(contract).accuracies + consortium.baseline
    assert np.all(handed >= 0.5)
    page = make(tmp_path / "consortium.yaml")
    reached = f"{100 * (0.5 + contract.expected_accuracy):.2f} %"
    assert reached in page.text


def test_a_report_for_a_task_like_others_says_where_the_curve_is_from(tmp_path: Path) -> None:
    like = {"learner": "RandomForestClassifier", "classes": 2, "instances": [1000, 5000]}
    page = make(write(tmp_path, STATED | {"accuracy": {"like": like, "baseline": 0.6}}))
    assert "Nothing was measured here" in page.find("section").text


def refused(path: Path, capsys: pytest.CaptureFixture[str], message: str) -> None:
    before = sorted(path.parent.iterdir())
    output = path.with_suffix(".html")
    assert cli.main(["report", str(path), "--output", str(output)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pwm: ")
    assert message in err
    assert "Traceback" not in err
    assert err.count("\n") == 1
    assert len(err) < 600
    assert sorted(path.parent.iterdir()) == before


def test_missing_file_and_missing_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(tmp_path / "none.yaml", capsys, "No such file")
    output = tmp_path / "none" / "report.html"
    assert cli.main(["report", str(example("banks.yaml")), "--output", str(output)]) == 2
    assert "there is no folder" in capsys.readouterr().err


def test_schema_is_a_schema() -> None:
    from jsonschema import Draft202012Validator

    schema = consortium_schema()
    Draft202012Validator.check_schema(schema)
    for field, known in {"accuracy": CURVES, "valuation": VALUATIONS}.items():
        assert schema["properties"][field]["properties"]["name"]["enum"] == list(known)
    for name in ("hospitals.yaml", "banks.yaml"):
        Draft202012Validator(consortium_schema()).validate(
            yaml.safe_load(example(name).read_text())
        )


CLINICS = """\
title: Four clinics
data_unit: records
parties:
  - {name: Clinic 1, type: A, cost: 0.02, max_data: 200}
  - {name: Clinic 2, type: B, cost: 0.025, max_data: 170}
  - {name: Clinic 3, type: C, cost: 0.08, max_data: 30}
  - {name: Clinic 4, type: D, cost: 0.05, max_data: 85}
accuracy: {name: GeneralizationBound, parameters: {optimum: 0.9, complexity: 1.0}}
"""


def test_parties_with_limited_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, output = tmp_path / "c.yaml", tmp_path / "r.html"
    file.write_text(CLINICS)
    assert cli.main(["report", str(file), "--output", str(output)]) == 0
    page = output.read_text()
    assert "Most data that it has" in page
    assert "can only take an option that it could fulfil" in page
    assert "nan" not in page
    capsys.readouterr()
    for law in ("", "attendance: known\n", "attendance: poisson\n"):
        file.write_text(CLINICS + law)
        assert cli.main(["solve", "--json", str(file)]) == 0
        contract = capsys.readouterr().out
        (tmp_path / "contract.json").write_text(contract)
        assert cli.main(["audit", str(tmp_path / "contract.json")]) == 0
        capsys.readouterr()


@pytest.mark.parametrize("law", ["poisson", "known"])
@pytest.mark.parametrize("source", ["hospitals", "banks", "clinics"])
def test_other_laws_of_who_turns_up_are_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], law: str, source: str
) -> None:
    text = CLINICS if source == "clinics" else example(f"{source}.yaml").read_text()
    text = text.replace("n_parties: 8", "n_parties: 10")  # known parties are whole numbers
    shutil.copy(example("hospitals.csv"), tmp_path)
    file, output = tmp_path / "c.yaml", tmp_path / "r.html"
    file.write_text(f"{text}\nattendance: {law}\n")
    assert cli.main(["report", str(file), "--output", str(output)]) == 0
    page, consortium = output.read_text(), read_consortium(file)
    assert "nan" not in page
    assert ("How rewards vary" in page) == (law == "poisson")
    assert ("Chance that a party is of this type" in page) == (law == "poisson")
    assert ("a Poisson number with a mean" in page) == (law == "poisson")
    assert ("so that nobody can pass for another" in page) == (law == "known")
    assert "independent draws of the parties alone" in page or "so much data" in page
    assert ("What the data support" in page or "Before you rely" in page) == (source == "hospitals")
    contract = solve(consortium.problem)
    spread = report.reward_spread(contract)
    assert (spread is None) == (law == "known")
    unit = consortium.problem.model_value.optimum
    if spread is not None:
        assert spread.means == pytest.approx(contract.rewards, abs=0.01 * unit)
    worlds = report.variants(consortium.problem)
    assert all(type(it.attendance) is type(consortium.problem.attendance) for it in worlds.values())
    assert any("on average" in name for name in worlds) == (law == "poisson")
    capsys.readouterr()


GROUPS = """\
title: Hospitals of two regions
types:
  - {name: Clinic, cost: 0.3}
  - {name: Hospital, cost: 0.1}
groups:
  - {name: North, parties: 4, shares: [0.75, 0.25]}
  - {parties: 2, shares: [0, 1]}
accuracy: {name: GeneralizationBound}
"""


def test_groups_of_parties_are_unlike_parties(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, output = tmp_path / "c.yaml", tmp_path / "r.html"
    file.write_text(GROUPS)
    consortium = read_consortium(file)
    law, contract = UnlikeParties([4, 2], [[0.75, 0.25], [0.0, 1.0]]), solve(consortium.problem)
    same = Problem(costs=[0.3, 0.1], accuracy=GeneralizationBound(), attendance=law)
    assert contract.expected_accuracy == solve(same).expected_accuracy
    assert consortium.groups == ("North", "Group 2")
    assert cli.main(["report", str(file), "--output", str(output)]) == 0
    page = output.read_text()
    assert "Groups of parties" in page
    assert "75.0 %" in page
    assert "with the chances of its group" in page
    assert "50.0 %" in page  # of all parties that are expected
    assert "nan" not in page
    capsys.readouterr()
    assert cli.main(["solve", "--json", str(file)]) == 0
    (tmp_path / "contract.json").write_text(capsys.readouterr().out)
    assert cli.main(["audit", str(tmp_path / "contract.json")]) == 0
    assert cli.main(["audit", str(file)]) == 2  # it states no menu
    file.write_text(f"{GROUPS}present: {{contributions: [30, 60], rewards: [20, 30]}}\n")
    assert cli.main(["audit", str(file)]) in (0, 1)


@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_rewards_vary_around_their_means_in_groups(tmp_path: Path, beliefs: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"{GROUPS}beliefs: {beliefs}\n")
    contract = solve(read_consortium(file).problem)
    spread = report.reward_spread(contract)
    assert spread is not None
    assert spread.means == pytest.approx(contract.rewards, abs=0.3)


def test_worlds_with_other_groups(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(GROUPS)
    problem = read_consortium(file).problem
    worlds = report.variants(problem)
    assert all(isinstance(it.attendance, UnlikeParties) for it in worlds.values())
    assert {"5 parties", "7 parties"} <= set(worlds)
    assert worlds["5 parties"].n_parties == 5
    likelier = worlds["The cheapest type 20 % more likely"].mean_counts
    assert likelier[1] > problem.mean_counts[1]
    assert likelier.sum() == pytest.approx(6)


def test_a_sweep_over_groups(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, output = tmp_path / "s.yaml", tmp_path / "out.nc"
    inner = "".join(f"  {line}\n" for line in GROUPS.splitlines())
    file.write_text(f"problem:\n{inner}over:\n  accuracy.complexity: [0.5, 1]\n")
    assert cli.main(["sweep", str(file), "--output", str(output)]) == 0
    file.write_text(f"problem:\n{inner}over:\n  n_parties: [5, 6]\n")
    capsys.readouterr()
    assert cli.main(["sweep", str(file), "--output", str(tmp_path / "other.nc")]) == 2
    assert "n_parties" in capsys.readouterr().err


def test_many_types_of_groups_are_taken_together(tmp_path: Path) -> None:
    types = [{"name": f"t{k}", "cost": 0.1 + 0.001 * k} for k in range(90)]
    north, south = np.repeat([2 / 90, 0.0], 45), np.full(90, 1 / 90)
    groups = [{"parties": 3, "shares": north.tolist()}, {"parties": 2, "shares": south.tolist()}]
    stated = {"title": "Many", "types": types, "groups": groups, "accuracy": STATED["accuracy"]}
    consortium = read_consortium(write(tmp_path, stated))
    problem, costs = consortium.problem, np.array([kind["cost"] for kind in types])
    assert problem.n_types <= 40
    assert isinstance(problem.attendance, UnlikeParties)
    expected = 3 * north + 2 * south
    assert problem.mean_counts.sum() == pytest.approx(5)
    assert problem.mean_counts @ problem.costs == pytest.approx(expected @ costs)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[0.75, 0.25]", "[0.75]", "line 6, groups.0.shares: must have one entry per type, 2"),
        ("[0, 1]", "[0, 0.9]", "line 7, groups.1.shares: must sum to 1; they sum to 0.9"),
        ("[0, 1]", "[-1, 2]", "line 7, groups.1.shares.0: must be at least 0; got -1"),
        ("cost: 0.3", "cost: 0.3, probability: 0.5", "line 3, types.0.probability: must be left"),
        ("parties: 2,", "parties: 0,", "line 7, groups.1.parties: must be at least 1; got 0"),
        ("parties: 2,", "parties: 1.5,", "line 7, groups.1.parties: must be a whole number"),
        ("parties: 2,", "", "line 7, groups.1.parties: is missing"),
        ("[0.75, 0.25]", "[0, 1]", "line 3, types.0.name: 'Clinic' has no share in any group"),
        ("groups:", "n_parties: 6\ngroups:", "must state either types and n_parties, or types"),
        ("groups:", "attendance: poisson\ngroups:", "without n_parties and attendance"),
        ("shares: [0, 1]", "share: [0, 1]", "did you mean shares?"),
    ],
)
def test_broken_groups(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, message: str
) -> None:
    refused(write(tmp_path, GROUPS.replace(old, new, 1)), capsys, message)


@pytest.mark.parametrize("n_types", [31, 35, 40, 41])
def test_responding_is_worked_out_with_many_equal_chances(tmp_path: Path, n_types: int) -> None:
    """Chances that sum to more than 1 by rounding."""
    types = [
        {"name": f"t{k}", "probability": 1 / n_types, "cost": 0.01 + 0.001 * k}
        for k in range(n_types)
    ]
    page = make(write(tmp_path, changed(types=types, n_parties=20)))
    assert "nan" not in page.get_text().split()


def test_a_variant_that_is_too_large_leaves_the_others(tmp_path: Path) -> None:
    """Parties' own beliefs need all outcomes under a Poisson law, the paper's none."""
    page = make(write(tmp_path, changed(n_parties=10_000, attendance="poisson")))
    kept = column(page, "If the menu stays")
    assert sum(it == "not worked out: too many outcomes" for it in kept) == 1


def test_that_types_were_taken_together_is_said_where_no_report_says_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    types = [{"name": f"t{k}", "probability": 1 / 41, "cost": 0.01 + 0.01 * k} for k in range(41)]
    file = str(write(tmp_path, changed(types=types, n_parties=2)))
    for words in (["solve", "--json", file], ["prove", file]):
        assert cli.main(words) == 0
        assert "The 41 types were taken together in 40 groups" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["report", "prove"])
def test_a_file_of_somebody_elses_is_not_replaced(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / ("out.html" if command == "report" else "out.json")
    words = [command, str(write(tmp_path, changed())), "--output", str(output)]
    for theirs in ("my thesis", "<html><head></head></html>", '{"mine": 1}'):
        output.write_text(theirs)
        assert cli.main(words) == 2
        assert "is there already, and is not of this command" in capsys.readouterr().err
        assert output.read_text() == theirs
    output.write_text("")  # as mktemp makes them
    assert cli.main(words) == 0
    assert cli.main(words) == 0  # again, onto its own


def test_many_types_are_taken_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parties = "\n".join(
        f"  - {{type: t{k % 120}, cost: {0.02 + 0.001 * (k % 120)}}}" for k in range(12_000)
    )
    file = tmp_path / "many.yaml"
    file.write_text(f"title: Many\nparties:\n{parties}\naccuracy: {{name: GeneralizationBound}}\n")
    assert cli.main(["solve", str(file)]) == 0
    out = capsys.readouterr().out
    assert "The 120 types were taken together in 40 groups" in out
    assert len(out.splitlines()) == 46


def test_who_states_nothing_outside_goes_alone_whatever_changes(tmp_path: Path) -> None:
    kinds = [STATED["types"][0], STATED["types"][1] | {"outside": 60}]
    consortium = read_consortium(write(tmp_path, STATED | {"types": kinds}))
    assert consortium.outside is not None
    assert consortium.outside.tolist() == [0.0, 60.0]
    worlds = report.variants(consortium.problem, None, consortium.outside)
    for name in ("Costs 20 % lower", "Costs 20 % higher", "Models' value 20 % lower"):
        world = worlds[name]
        assert world.reservation_utilities is not None
        alone = autarky(world).utilities
        assert world.reservation_utilities.tolist() == [alone[0], max(60.0, alone[1])]


def test_two_spellings_of_a_letter_are_one_type(tmp_path: Path) -> None:
    stated = of_parties("\u00e9", "e\u0301", "b")
    assert read_consortium(write(tmp_path, stated)).names == ("\u00e9", "b")
