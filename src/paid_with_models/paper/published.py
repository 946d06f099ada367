"""What the paper and its code print."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PUBLISHED", "Published", "PublishedMenu"]


@dataclass(frozen=True)
class PublishedMenu:
    """What the authors printed for one scenario; see :data:`PUBLISHED`.

    Attributes
    ----------
    contributions, rewards, utilities, reward_caps, reservation_utilities : (I,) tuple of floats
        As printed, in the scenario's order of types: units of data, value, value, value, value.
    reservation_contributions : (I,) tuple of floats or None
        Units of data; None where they were not printed.
    expected_value : float or None
        Expected value of the collective model; None where it was not printed.
    """

    contributions: tuple[float, ...]
    rewards: tuple[float, ...]
    utilities: tuple[float, ...]
    reward_caps: tuple[float, ...]
    reservation_utilities: tuple[float, ...]
    reservation_contributions: tuple[float, ...] | None = None
    expected_value: float | None = None


@dataclass(frozen=True)
class Published:
    """Numbers printed by the paper's authors.

    Attributes
    ----------
    source : str
        Where they were printed, and under which license.
    menus : dict of PublishedMenu
        By scenario name; eight decimals.
    menu_decimals : int
        Digits after the point in the menus' numbers.
    two_type_reservation_contributions, two_type_reservation_values : (2,) tuple of floats
        What each of the two types would contribute alone, and the value of the model it trains;
        eight decimals.
    two_type_lowest_information_cost : float
        Lower end of the axis of the information-cost figure; two decimals.
    counter_example_argmax : (2,) tuple of floats
        Appendix A.1: the maximizer of the expected total and that of the expected root.
    """

    source: str
    menus: dict[str, PublishedMenu]
    menu_decimals: int
    two_type_reservation_contributions: tuple[float, float]
    two_type_reservation_values: tuple[float, float]
    two_type_lowest_information_cost: float
    counter_example_argmax: tuple[float, float]


#: Numbers printed by the paper's authors (repository bingchen-wang/paid-with-models, MIT license,
#: copyright 2024 Bingchen Wang), at the precision printed there.
PUBLISHED = Published(
    source=(
        "printed outputs of the experiment notebooks in the repository"
        " bingchen-wang/paid-with-models (MIT license, copyright 2024 Bingchen Wang)"
    ),
    menus={
        "big_firm_cooperation": PublishedMenu(
            contributions=(391.01769307, 391.78419325, 392.3847326, 393.14830179, 424.68693801),
            rewards=(84.97363539, 85.09627542, 85.16834014, 85.22942568, 86.49097113),
            utilities=(6.77009678, 22.4108045, 38.08217223, 53.77756153, 69.5034936),
            reward_caps=(86.47462405, 86.47499366, 86.47528333, 86.47565177, 86.49098283),
            reservation_utilities=(6.77009678, 13.15161373, 20.74508109, 30.34425719, 44.1605214),
            reservation_contributions=(
                148.06003631,
                172.54378373,
                210.15472005,
                277.41393038,
                445.70238734,
            ),
            expected_value=86.47827301929004,
        ),
        "small_party_teamwork": PublishedMenu(
            contributions=(69.0337751, 69.04172575, 69.04290842, 69.05642759, 69.06396194),
            rewards=(69.0337751, 69.04053315, 69.04136102, 69.04879656, 69.05181031),
            utilities=(0.0, 10.35506627, 20.71132513, 31.06776139, 41.42622553),
            reward_caps=(69.05200649, 69.05205688, 69.05206438, 69.05215007, 69.05219783),
            reservation_utilities=(0.0, 0.0, 0.0, 0.0, 0.0),
        ),
        "big_and_small_collaboration": PublishedMenu(
            contributions=(
                104.31536885,
                104.41138123,
                1166.46066884,
                1166.63521931,
                11740.3003862,
            ),
            rewards=(52.15768443, 52.19608938, 84.057568, 84.06105901, 94.63472418),
            utilities=(2.13162821e-14, 10.4315369, 49.0637479, 60.7283546, 82.8944238),
            reward_caps=(93.91817626, 93.9181802, 93.96992357, 93.96993334, 94.63481498),
            reservation_utilities=(0.0, 0.0, 49.06287356, 55.25589194, 82.89424821),
        ),
    },
    menu_decimals=8,
    two_type_reservation_contributions=(715.55769974, 1148.502895),
    two_type_reservation_values=(69.56704594, 75.64584081),
    two_type_lowest_information_cost=-1.62,
    counter_example_argmax=(5.0, 405 / 97),
)
