"""What captions, texts and chapters claim of the figures' tables, and how each claim is checked.

A claim has the page that makes it, its words (they must stand there), the figure, and a check of
the table behind that. What "nearly", "hardly" or "far" means is a number in the check. The file is
long because it is a list: each claim takes some ten lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

Table = pd.DataFrame


@dataclass(frozen=True)
class Claim:
    """Words about a figure, and whether its table bears them out."""

    page: str
    words: str
    figure: str
    holds: Callable[[Table], bool]


def wide(table: Table, rows: str, columns: str, values: str) -> Table:
    """One column for each value of `columns`."""
    return table.pivot_table(index=rows, columns=columns, values=values)


def lines(table: Table, by: str | list[str]) -> list[Table]:
    """The rows of each group, in the order given."""
    return [rows for _, rows in table.groupby(by, sort=False)]


def rises(values: pd.Series, slack: float = 0.0) -> bool:
    return bool((values.diff().dropna() >= -slack).all())


def falls(values: pd.Series, slack: float = 0.0) -> bool:
    return rises(-values, slack)


def near(values: pd.Series | Table, others: pd.Series | Table | float, within: float) -> bool:
    return bool((abs(values - others) <= within).to_numpy().all())


def scenario(table: Table, name: str) -> Table:
    return table[table["scenario"] == name]


FIRM, TEAM, BOTH = (
    "Big-firm cooperation",
    "Small-party teamwork",
    "Big-and-small collaboration",
)
MOTIVATION = "book/motivation"
BEHAVIOR = "book/beyond/behavior"
BELIEFS = "book/beyond/beliefs"
PILOT = "book/beyond/pilot"
REAL = "book/beyond/real_models"
RESPONSIVE = "book/beyond/responsive"
TWO = "book/experiments/two_types"
LARGE = "book/beyond/large_markets"
MAP = "book/beyond/many_problems"


# Motivation, models as rewards, complete information.


def _free_riding_is_lowest(table: Table) -> bool:
    data = wide(table, "n_parties", "scheme", "expected_total")
    return bool((data["free_riding"] <= data.drop(columns="free_riding").min(axis=1) + 1e-6).all())


def _between(table: Table) -> bool:
    data = wide(table, "n_parties", "scheme", "expected_total").loc[2:]
    lowest = data[["contract", "complete"]].min(axis=1)
    return bool(((data["free_riding"] < data["surplus"]) & (data["surplus"] < lowest)).all())


def _little_difference_in_accuracy(table: Table) -> bool:
    many = table[table["n_parties"] >= 5]
    data, accuracy = (
        wide(many, "n_parties", "scheme", f"expected_{it}") for it in ("total", "accuracy")
    )
    more = data["complete"] / data["contract"]
    better = accuracy["complete"] - accuracy["contract"]
    return bool((more > 1.2).all() and (better < 0.05).all())


def _crosses_once_at_last(table: Table) -> bool:
    beyond = table[table["data"] > table["root"] * 1.001]
    return bool((beyond["asked"] < beyond["data"]).all())


MOTIVATION_CLAIMS = [
    Claim(
        MOTIVATION,
        "the free-riding line is lowest and flattens after a few parties",
        "fig-free-riding",
        _free_riding_is_lowest,
    ),
    Claim(
        MOTIVATION,
        "The dotted line of the largest joint surplus lies between free-riding and the contracts",
        "fig-free-riding",
        _between,
    ),
    Claim(
        MOTIVATION,
        "collects more data, which makes little difference in accuracy",
        "fig-free-riding",
        _little_difference_in_accuracy,
    ),
    Claim(
        MOTIVATION,
        "rise with every party",
        "fig-free-riding",
        lambda t: all(
            rises(rows.sort_values("n_parties")["expected_total"])
            for rows in lines(t[t["scheme"].isin(("contract", "complete"))], "scheme")
        ),
    ),
    Claim(
        MOTIVATION,
        "The cheaper the type, the further right its tangent point and the higher its gain",
        "fig-autarky",
        lambda t: rises(t["reservation_contribution"]) and rises(t["reservation_utility"]),
    ),
    Claim(
        "book/models_as_rewards",
        "zero up to the safe promise and then rising in steps to one",
        "fig-promise",
        lambda t: (
            rises(t["insolvency_probability"])
            and t["insolvency_probability"].iloc[[0, -1]].round(6).tolist() == [0, 1]
        ),
    ),
    Claim(
        "book/models_as_rewards",
        "falling as the promise rises, and still large at the safe promise",
        "fig-promise",
        lambda t: (
            falls(t["unused_value"], 1e-9)
            and t.loc[t["insolvency_probability"] == 0, "unused_value"].min() > 10
        ),
    ),
    Claim(
        "book/complete_information",
        "Beyond the crossing each curve stays below",
        "fig-asked",
        _crosses_once_at_last,
    ),
    Claim(
        "book/complete_information",
        "the line of four cheap parties ends highest",
        "fig-asked",
        lambda t: t.groupby("outcome")["asked"].last().idxmax() == "4 of type 2",
    ),
]

# Screening, first moment, structure.


def _nobody_joins(table: Table) -> bool:
    menu = table[table["menu"] == "Without IR"]
    return bool((menu["utility"] < menu["reservation_utility"]).all())


def _dots_of_three_scenarios(table: Table) -> bool:
    firm, team, both = (scenario(table, it) for it in (FIRM, TEAM, BOTH))
    return bool(
        np.ptp(firm["bought"]) < 1e-6
        and firm["contribution"].iloc[:4].max() / firm["contribution"].min() < 1.1
        and team["bought"].idxmin() == team.index[-1]
        and np.ptp(team["contribution"]) < 1e-6
        and both["bought"].max() == both["bought"].iloc[-1]
        and both["bought"].iloc[-1] > 5 * both["bought"].iloc[:-1].max()
    )


def _types_part_and_join(table: Table) -> bool:
    by_cost = wide(table[table["along"] == "cost of type 2"], "at", "type", "contribution")
    apart = by_cost[by_cost.index < 0.1 - 1e-9]
    joined = by_cost[by_cost.index > 0.1255]
    return (
        near(apart[2], apart[3], 0.01 * apart[3].max())
        and near(joined[1], joined[2], 1e-9)
        and near(joined, joined.iloc[0], 1e-6 * joined.to_numpy().max())
    )


def _two_and_three_nearly_the_same(table: Table) -> bool:
    share = wide(table[table["along"] != "cost of type 2"], "at", "type", "contribution")
    few = share[share.index < 0.45]
    return near(share[2], share[3], 0.05 * share[3].max()) and bool((few[2] > 2 * few[1]).all())


def _still_and_then_meets(table: Table) -> bool:
    """Type 1 does not move, the others fall a little, all the way; soon after, all are one."""
    share = wide(table[table["along"] != "cost of type 2"], "at", "type", "contribution")
    still = share[(share[1] / share[1].iloc[0] - 1).abs() < 1e-6]
    alike = share[np.ptp(share.to_numpy(), axis=1) < 1e-6]
    return (
        len(still) > 0.4 * len(share)
        and all(falls(still[it]) and still[it].iloc[-1] > 0.9 * still[it].iloc[0] for it in (2, 3))
        and bool(0 < alike.index.min() - still.index.max() < 0.06)
    )


THEORY_CLAIMS = [
    Claim("book/screening", "nobody joins", "fig-menus", _nobody_joins),
    Claim(
        "book/first_moment",
        "a unit of the budget buys the same from all types, and the menu is nearly flat",
        "fig-unit-prices",
        _dots_of_three_scenarios,
    ),
    Claim(
        "book/first_moment",
        "it buys by far the most from type 5",
        "fig-unit-prices",
        _dots_of_three_scenarios,
    ),
    Claim(
        "book/first_moment",
        "Types 3 and 5 stay in their rings",
        "fig-passes",
        lambda t: near(t["utility"].iloc[[2, 4]], t["reservation_utility"].iloc[[2, 4]], 1e-9),
    ),
    Claim(
        "book/bunching",
        "Inside the bunch the contract does not depend on",
        "fig-bunching",
        _types_part_and_join,
    ),
    Claim(
        "book/bunching",
        "first it is nearly that of type 3, then it drops to that of type 1 and stays equal to it",
        "fig-bunching",
        _types_part_and_join,
    ),
    Claim(
        "book/bunching",
        "types 2 and 3 contribute nearly the same, and far more than type 1",
        "fig-bunching",
        _two_and_three_nearly_the_same,
    ),
    Claim(
        "book/bunching",
        "type 1 is asked for the same amount, however frequent it is",
        "fig-bunching",
        _still_and_then_meets,
    ),
    Claim(
        "book/bunching",
        "Then the three meet within a narrow range",
        "fig-bunching",
        _still_and_then_meets,
    ),
    Claim(
        "book/bunching",
        "types 2 and 3 are asked for nearly the same",
        "fig-bunching",
        _two_and_three_nearly_the_same,
    ),
]

# Experiments.


def _separating_contribution(table: Table) -> bool:
    few = table[(table["type"] == 1) & (table["p_high"] < 0.35)]
    return bool(np.ptp(few["contributions"]) < 0.02 * few["contributions"].mean())


def _both_alike_beyond(table: Table) -> bool:
    many = table[table["p_high"] > 0.55]
    one, two = (many[many["type"] == it]["contributions"].to_numpy() for it in (1, 2))
    return bool(np.abs(one - two).max() < 1e-6 * one.max())


def _fades_with_many_parties(table: Table) -> bool:
    cost = table.groupby("n_parties")["information_cost"].min()
    return bool(cost.idxmin() == cost.index.min() and cost.iloc[-1] > 0.2 * cost.min())


def _seen_surfaces(table: Table) -> bool:
    one, two = (table[table["type"] == it].set_index(["n_parties", "p_high"]) for it in (1, 2))
    value = near(one["complete_rewards"], two["complete_rewards"], 2.0)
    many = wide(one.reset_index(), "n_parties", "p_high", "complete_contributions")
    growing = bool((many.diff().dropna() > -1e-6).to_numpy().all())
    little = bool((many.max(axis=1) / many.min(axis=1)).iloc[5:].max() < 1.5)
    more = bool((two["complete_contributions"] > 1.2 * one["complete_contributions"]).all())
    return value and growing and little and more


def _one_bar(table: Table) -> bool:
    return bool(len(table) == 5 and np.ptp(table["value"]) < 1e-6)


def _tails(table: Table) -> bool:
    costly = [rows for rows in lines(table, "type") if rows["type"].iloc[0] < 5]
    below = [rows["first_moment"].iloc[0] - rows["value"].min() for rows in costly]
    above = [rows["value"].max() - rows["first_moment"].iloc[0] for rows in costly]
    return bool(np.all(np.array(below) > 2 * np.array(above)))


def _free_riding_leaves_more_where_somebody_trains(table: Table) -> bool:
    surplus = wide(table, "scenario", "scheme", "surplus")
    alone = table.groupby("scenario")["alone"].first() > 0
    more = surplus["free_riding"] > surplus["contract"]
    return bool((more == alone).all() and alone.any() and not alone.all())


EXPERIMENT_CLAIMS = [
    Claim(
        TWO,
        "Type 1 never has any.",
        "fig-two-type-information",
        lambda t: near(t[t["type"] == 1]["rents"], 0.0, 1e-6),
    ),
    Claim(
        "book/experiments/overview",
        "free-riding leaves the parties more in sum",
        "fig-surplus",
        _free_riding_leaves_more_where_somebody_trains,
    ),
    Claim(
        "book/replication",
        "whose contribution hardly depends on N",
        "fig-two-type-contract",
        _separating_contribution,
    ),
    Claim(
        "book/replication",
        "beyond they are one surface",
        "fig-two-type-contract",
        _both_alike_beyond,
    ),
    Claim(
        TWO,
        "With many parties the loss fades",
        "fig-two-type-information-maps",
        _fades_with_many_parties,
    ),
    Claim(
        TWO,
        "The high-cost type never earns a rent",
        "fig-two-type-information-maps",
        lambda t: bool(t.loc[t["type"] == 1, "rents"].abs().max() < 1e-6),
    ),
    Claim(
        "book/replication",
        "that of the low-cost type well above that of the high-cost type",
        "fig-two-type-complete",
        _seen_surfaces,
    ),
    Claim(
        "book/replication",
        "the reward surfaces of both types nearly coincide and grow with the number of parties",
        "fig-two-type-complete",
        _seen_surfaces,
    ),
    Claim(
        "book/experiments/small_party_teamwork",
        "Nobody would contribute anything alone",
        "fig-small-party-teamwork-contributions",
        lambda t: bool((t["reservation_contribution"] == 0).all()),
    ),
    Claim(
        "book/experiments/small_party_teamwork",
        "the reward of every type is",
        "fig-small-party-teamwork-rewards",
        _one_bar,
    ),
    Claim(
        "book/experiments/big_and_small_collaboration",
        "those of types 1 to 4 have a thin tail toward lower values",
        "fig-big-and-small-collaboration-rewards",
        _tails,
    ),
    Claim(
        "book/experiments/big_firm_cooperation",
        "Rewards vary little, because all but one type contribute the same",
        "fig-big-firm-cooperation-rewards",
        lambda t: all(np.ptp(rows["value"]) < 2.0 for rows in lines(t, "type")),
    ),
    Claim(
        "book/experiments/overview",
        "with type 5 contributing by far the most",
        "fig-scenario-panel",
        lambda t: (m := scenario(t, BOTH)["contribution"]).iloc[-1] > 3 * m.iloc[:-1].max(),
    ),
    Claim(
        "book/experiments/overview",
        "The first is largest at the end, the second inside",
        "fig-counter-example",
        lambda t: (
            t["expected_total"].idxmax() == t.index[-1]
            and t.index[0] < t["expected_root"].idxmax() < t.index[-1]
        ),
    ),
]

# Beyond the paper: theory.


def _geometric(table: Table) -> bool:
    mixtures = table[~table["curve"].str.contains("arctan")]
    good = all(rows["proved_error"].min() < 1e-9 for rows in lines(mixtures, "curve"))
    rest = table[table["curve"].str.contains("arctan")]["proved_error"]
    return good and rest.min() > 1e-6


def _one_step(table: Table) -> bool:
    level = table["contribution"] / table.groupby(["distribution", "n_types"])[
        "contribution"
    ].transform("max")
    return bool(((level > 0.999) | (level < 1e-3)).all())


def _bounds_close_in(table: Table) -> bool:
    width = table.assign(width=table["at_most"] - table["at_least"])
    widths = wide(width, "n_types", "distribution", "width")
    halved = bool((widths / widths.shift()).dropna().max().max() < 0.6)
    return halved and bool((widths["uniform"] < widths["log-normal"]).all())


def _caps_spread(table: Table) -> bool:
    one, two = (
        wide(table[table["type"] == kind], "n_parties", "beliefs", "reward_cap") for kind in (1, 2)
    )
    return bool(
        (one["own"] <= one["paper"] + 1e-9).all() and (two["own"] >= two["paper"] - 1e-9).all()
    )


def _meet_with_many(table: Table) -> bool:
    last = table[table["n_parties"] == table["n_parties"].max()]
    caps = wide(last, "type", "beliefs", "reward_cap")
    return near(caps["own"], caps["paper"], 0.1)


def _never_falls(table: Table) -> bool:
    own = table[table["beliefs"] == "own"].sort_values("offset")
    return falls(own["expected_accuracy"], 1e-10)


def _columns_without_a_foot(table: Table) -> bool:
    """Pooling in the columns of the costliest triples, by number of parties."""
    costly = table[table["cost_1"] == table["cost_1"].max()]
    length = (costly["p_1_to"] - costly["p_1_from"]).where(costly["shared"] == "1+2+3", 0.0)
    pooled = length.groupby(costly["n_parties"]).sum()
    few = pooled[(pooled.index > 2) & (pooled.index < pooled.index.max())]
    return bool(few.min() < 0.02 * pooled.iloc[-1])


BEYOND_CLAIMS = [
    Claim(
        "book/beyond/combinatorial_barrier",
        "It falls geometrically for curves whose shortfall is a mixture of exponentials",
        "fig-sum-error",
        _geometric,
    ),
    Claim(LARGE, "level up to the cutoff and zero beyond", "fig-menu-curve", _one_step),
    Claim(
        LARGE,
        "For uniform costs everybody contributes the same",
        "fig-menu-curve",
        lambda t: all(
            np.ptp(rows["contribution"]) < 1e-6 * rows["contribution"].max()
            for rows in lines(t[t["distribution"] == "uniform"], "n_types")
        ),
    ),
    Claim(LARGE, "For uniform costs they are closer", "fig-continuum", _bounds_close_in),
    Claim(
        BELIEFS,
        "the dashed lines lie outside the solid ones, above for type 2 and below for type 1",
        "fig-beliefs",
        _caps_spread,
    ),
    Claim(BELIEFS, "With many parties the beliefs agree", "fig-beliefs", _meet_with_many),
    Claim(
        BELIEFS,
        "that of type 1 is zero throughout",
        "fig-beliefs",
        lambda t: bool(t.loc[t["type"] == 1, "rents"].abs().max() < 1e-6),
    ),
    Claim(
        BELIEFS,
        "Under own beliefs it never falls when a cost does",
        "fig-lower-costs",
        _never_falls,
    ),
    Claim(
        MAP,
        "the right column of the figure has a foot there that the others lack",
        "fig-contract-map",
        _columns_without_a_foot,
    ),
]

# Behavior.


def _options_hardly_matter(table: Table) -> bool:
    forced = table[table["case"] == "nobody may stay out"]
    best = forced.groupby("scenario")["expected_accuracy"].transform("last")
    return near(forced["expected_accuracy"], best, 0.03)


def _the_rational_leave(table: Table) -> bool:
    foreseen = scenario(table[table["case"] == "parties foresee who stays"], BOTH)
    return falls(foreseen["participation"].iloc[len(foreseen) // 2 :], 1e-6) and bool(
        foreseen[["expected_accuracy", "participation"]].iloc[-1].max() < 0.05
    )


def _only_the_costliest_leaves(table: Table) -> bool:
    last = table[table["rationality"] == table["rationality"].max()]
    foreseen = last[(last["case"] == "parties foresee who stays") & (last["scenario"] != BOTH)]
    return bool(((foreseen["participation"] > 0.75) & (foreseen["participation"] < 0.9)).all())


def _a_margin_keeps(table: Table) -> bool:
    kept = table[table["case"].str.contains("margin")]
    right = kept[kept["rationality"] >= 10]
    return bool((right["participation"] > 0.99).all())


def _hardly_differs(table: Table) -> bool:
    others = table[(table["scenario"] != BOTH) & (table["rationality"] > 0.1)]
    spread = others.groupby(["scenario", "rationality"])["expected_accuracy"].agg(np.ptp)
    return bool(spread.max() < 0.05)


def _lotteries_cost_most(table: Table) -> bool:
    cost = table.pivot_table(index=["scenario", "aversion"], columns="assignment", values="premium")
    return bool(
        (cost["lottery"] > 100 * cost["proportional"]).all()
        and (cost["capped"] <= cost["proportional"]).all()
    )


def _everybody_but_with_lotteries(table: Table) -> bool:
    lots = table[(table["assignment"] == "lottery") & (table["scenario"] == BOTH)]
    others = table[table["assignment"] != "lottery"]
    return bool((others["participation"] > 0.995).all()) and falls(lots["participation"], 0.001)


BEHAVIOR_CLAIMS = [
    Claim(
        BEHAVIOR,
        "Which option is picked hardly matters, compared to who stays out",
        "fig-logit",
        _options_hardly_matter,
    ),
    Claim(BEHAVIOR, "in the limit nobody is left", "fig-logit", _the_rational_leave),
    Claim(
        BEHAVIOR,
        "In the other two scenarios only the costliest type leaves",
        "fig-logit",
        _only_the_costliest_leaves,
    ),
    Claim(
        BEHAVIOR,
        "with a margin accuracy stays near the top and everybody takes part",
        "fig-logit",
        _a_margin_keeps,
    ),
    Claim(
        BEHAVIOR,
        "In the first two rows the five lines of accuracy lie close together",
        "fig-logit",
        _hardly_differs,
    ),
    Claim(
        BEHAVIOR,
        "Chance in rewards costs little with capped or proportional rewards",
        "fig-aversion",
        _lotteries_cost_most,
    ),
    Claim(
        BEHAVIOR,
        "where the margin leaves all types with one option, everybody still comes",
        "fig-aversion",
        lambda t: bool((scenario(t, FIRM)["participation"] > 0.995).all()),
    ),
    Claim(
        BEHAVIOR,
        "with capped and proportional rewards everybody takes part",
        "fig-aversion",
        _everybody_but_with_lotteries,
    ),
]

# Contributions that respond.


def _gain(table: Table) -> pd.Series:
    own = table[table["beliefs"] == "own"].set_index(["along", "at"])
    return own["responding"] - own["fixed"]


def _gain_fades(table: Table) -> bool:
    gain = _gain(table)["parties"].sort_index()
    return falls(gain, 1e-6) and bool(gain.iloc[-1] < 0.1 * gain.iloc[0])


def _dashed_above_solid(table: Table) -> bool:
    gains = table.assign(gain=table["responding"] - table["fixed"])
    gain = gains.pivot_table(index=["along", "at"], columns="beliefs", values="gain")
    return bool((gain["paper"] >= gain["own"] - 1e-9).all())


def _constant_is_hardly_worse(table: Table) -> bool:
    own = table[(table["beliefs"] == "own") & ~((table["along"] == "parties") & (table["at"] < 3))]
    return bool((own["responding"] - own["constant_total"]).max() < 0.001)


def _same_total(table: Table) -> bool:
    totals = table.groupby("mechanism")["total"]
    spread = totals.agg(np.ptp) / totals.mean()
    constant = next(it for it in spread.index if "constant" in it)
    others = [it for it in spread.index if it not in (constant, "fixed")]
    return bool(spread[constant] < 1e-6 and spread[others].max() < 0.2 < spread["fixed"])


def _steady_under_misjudgment(table: Table) -> bool:
    steady = table[table["mechanism"] == "constant total"]
    return bool(np.ptp(steady["expected_accuracy"]) < 1e-9)


def _zero_up_to_one_half(table: Table) -> bool:
    few = table[(table["share"] <= 0.5) & table["mechanism"].isin(("fixed", "constant total"))]
    return bool(few["shortfall"].max() < 1e-6)


RESPONSIVE_CLAIMS = [
    Claim(
        RESPONSIVE,
        "With many parties the shares of types hardly vary, and there is little to respond to",
        "fig-responding-gain",
        _gain_fades,
    ),
    Claim(
        RESPONSIVE,
        "In each a dashed line lies far above a solid one",
        "fig-responding-gain",
        _dashed_above_solid,
    ),
    Claim(
        RESPONSIVE,
        "a constant total, which is hardly worse",
        "fig-responding-gain",
        _constant_is_hardly_worse,
    ),
    Claim(
        RESPONSIVE,
        "the best responding mechanism nearly the same in every outcome",
        "fig-responding-quotas",
        _same_total,
    ),
    Claim(
        RESPONSIVE,
        "The total holds, and with it accuracy and all rewards",
        "fig-misjudged",
        _steady_under_misjudgment,
    ),
    Claim(RESPONSIVE, "both lines are zero up to one half", "fig-misjudged", _zero_up_to_one_half),
    Claim(
        RESPONSIVE,
        "low-cost parties never give more than under the menu",
        "fig-responding-caps",
        lambda t: bool(
            (near_menu := t[t["largest_quota"] <= t["fixed_contribution"]]).iloc[-1][
                "expected_accuracy"
            ]
            > near_menu["fixed"].iloc[-1]
        ),
    ),
]

# Real data.


def _bars_beyond_the_strip(table: Table) -> bool:
    each = table.drop_duplicates("split")
    error = 100 * (each["expected_accuracy"] - each["promised"])
    return bool((error.abs() > 0.2).mean() > 0.75 and error.min() < 0 < error.max())


def _same_side(table: Table) -> bool:
    signs = np.sign(table["slack"]).groupby(table["split"]).sum().abs()
    return bool((signs == 3).mean() == 0.5)


def _first_above_second(table: Table) -> bool:
    curves = wide(table, "data", "learner", "accuracy").dropna()
    neighbor = next(it for it in curves.columns if "neighbor" in it)
    ridge = next(it for it in curves.columns if "ridge" in it)
    return bool((curves[neighbor] > curves[ridge]).all())


def _checkpoints_fall_short(table: Table) -> bool:
    rewards = table[table["quantity"].str.startswith("reward")]
    short = rewards[rewards["grading"] == "checkpoints"]
    return set(short["learner"]) == {"neural network"} and bool((short["mean"] < -0.1).all())


def _fits_shorten(table: Table) -> bool:
    fitted = table[table["design"] == "fitted"].sort_values("factor")
    robust = table[table["design"] == "robust"].iloc[0]
    return falls(fitted["kept"]) and bool(robust["kept"] >= table["kept"].max())


def _longer_from_panel_to_panel(table: Table) -> bool:
    far = wide(table, "form", "factor", "far")
    longest = far.rank(axis=0, ascending=False)
    naive = [it for it in far.index if "last" in it or it == "one exponential"]
    return bool((far.diff(axis=1).dropna(axis=1) > 0).to_numpy().all()) and bool(
        (longest.loc[naive].min() <= 2).all()
    )


DATA_CLAIMS = [
    Claim(
        REAL,
        "nearly all of them many times as long as a narrow gray strip around zero",
        "fig-split-errors",
        _bars_beyond_the_strip,
    ),
    Claim(
        REAL,
        "in half of the contracts the three types lie on the same side",
        "fig-split-errors",
        _same_side,
    ),
    Claim(
        REAL,
        "that of 1-nearest-neighbor above that of ridge regression",
        "fig-learning-curves",
        _first_above_second,
    ),
    Claim(
        REAL,
        "lie to the left of the ticks for all three rewards",
        "fig-realized",
        _checkpoints_fall_short,
    ),
    Claim(REAL, "with checkpoints every type falls short", "fig-realized", _checkpoints_fall_short),
    Claim(
        PILOT, "that of the robust contracts is the largest", "fig-pilot-contracts", _fits_shorten
    ),
    Claim(
        PILOT,
        "Lines are longer from panel to panel",
        "fig-prediction-errors",
        _longer_from_panel_to_panel,
    ),
]

# Benchmarks.


def _library_in_less_time(table: Table) -> bool:
    last = table.groupby("method")[["n_types", "median"]].last()
    library = next(it for it in last.index if it not in ("published", "enumeration"))
    ratio = last.loc[library, "median"] / last.loc["published", "median"]
    return bool(last.loc[library, "n_types"] == 1000 and ratio < 1)


BENCHMARK_CLAIMS = [
    Claim(
        "book/benchmarks",
        "in less time than the published method needs for",
        "fig-time-types",
        _library_in_less_time,
    ),
    Claim(
        "book/benchmarks",
        "the lowest for",
        "fig-time-parties",
        lambda t: bool(
            (t.groupby("n_types")["max"].max().shift() < t.groupby("n_types")["min"].min())
            .iloc[1:]
            .all()
        ),
    ),
    Claim(
        "book/benchmarks",
        "Three nearly level lines on logarithmic axes",
        "fig-time-parties",
        lambda t: all(
            rows["median"].max() < 2 * rows["median"].min() for rows in lines(t, "n_types")
        ),
    ),
]

CLAIMS = [
    *MOTIVATION_CLAIMS,
    *THEORY_CLAIMS,
    *EXPERIMENT_CLAIMS,
    *BEYOND_CLAIMS,
    *BEHAVIOR_CLAIMS,
    *RESPONSIVE_CLAIMS,
    *DATA_CLAIMS,
    *BENCHMARK_CLAIMS,
]
