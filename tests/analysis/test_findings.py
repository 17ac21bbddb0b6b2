"""Counts, intervals and sentences of the sections follow the numbers, whatever they are."""

import numpy as np
import pandas as pd
import pytest
import scipy.integrate
import scipy.stats
from helpers import GRID, frame_of, robustness_points, steep

from rru_nb.analysis import findings
from rru_nb.analysis.robust import (
    _interval,
    _mean,
    grid_table,
    near_best,
    paired,
    share_difference,
)
from rru_nb.analysis.section_tables import scale_changes, shown_grid_table
from rru_nb.analysis.seeds import best_of
from rru_nb.analysis.tables import p_text, signed
from rru_nb.experiments import section

# Intervals


def test_bootstrap_of_a_mean_agrees_with_the_normal_approximation():
    values = np.random.default_rng(1).normal(size=400)
    low, high = _interval(pd.Series(values), np.arange(400), _mean)
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.01)
    assert high == pytest.approx(values.mean() + half, abs=0.01)


def test_bootstrap_keeps_the_values_of_a_rate_together():
    """A constant difference between two noisy values has no spread."""
    first = np.random.default_rng(2).normal(size=30)
    pairs = pd.Series(np.stack([first, first - 1.0], axis=1).ravel())
    rates = np.repeat(np.arange(30), 2)
    low, high = _interval(pairs, rates, lambda d: (d[:, ::2] - d[:, 1::2]).mean(axis=1))
    assert (low, high) == (pytest.approx(1.0), pytest.approx(1.0))


@pytest.mark.parametrize("k", [1, 2, 20, 100])
def test_the_best_of_k_lies_as_far_below_the_mean_as_its_density_says(k):
    """By integration: the lowest of k has the density k f (1 - F)^(k - 1)."""
    normal = scipy.stats.norm

    def moment(power):
        return scipy.integrate.quad(
            lambda x: x**power * k * normal.pdf(x) * normal.sf(x) ** (k - 1), -9, 9
        )[0]

    mean, deviation = moment(1), np.sqrt(moment(2) - moment(1) ** 2)
    assert best_of(k, 1.0) == pytest.approx((-mean, deviation), abs=1e-4)


def test_the_best_of_a_hundred_is_two_and_a_half_deviations_off():
    shift, deviation = best_of(100, 1.0)
    assert (round(shift, 3), round(deviation, 3)) == (2.508, 0.429)


# Robustness

RATES = [1e-4, 1.5e-4, 2e-4, 3e-4, 5e-4, 1e-3, 2e-3, 5e-3, 7e-3, 1e-2]
FINE = GRID | {"learning_rate": RATES}  # `steep` fails at seven


def test_grid_table_counts_what_is_within_a_range_of_the_best():
    table = grid_table(frame_of(robustness_points(), steep))
    assert (table.loc["rru", "best"], table.loc["gru", "best"]) == (4.0, 4.0)
    assert table.loc["rru", "own_10"] == 100.0
    assert table.loc["gru", "own_10"] == pytest.approx(100 / 3)
    assert table.loc["gru", "own_10_low"] < 100 / 3 < table.loc["gru", "own_10_high"]
    assert table.loc["gru", "median"] == pytest.approx(5.2)


def test_a_failed_training_is_in_no_range_and_the_worst_of_all():
    broken = {"status": lambda p: "failed" if p.config.learning_rate > 2e-4 else "ok"}
    table = grid_table(frame_of(robustness_points(), steep, **broken))
    assert list(table.failed) == [8, 8] and np.isinf(table["median"]).all()
    assert table.loc["rru", "own_10"] == pytest.approx(100 / 3)
    missing = {"status": lambda p: "missing" if p.config.learning_rate > 2e-4 else "ok"}
    table = grid_table(frame_of(robustness_points(), steep, **missing))
    assert list(table.missing) == [8, 8] and list(table.runs) == [4, 4]
    assert table.loc["rru", "own_10"] == 100.0, "what is missing counts neither way"


def test_where_all_failed_nothing_is_within_a_range_and_no_cell_wins():
    frame = frame_of(robustness_points(), steep, status=lambda point: "failed")
    table = grid_table(frame)
    assert (table.own_10 == 0).all() and (table.all_10 == 0).all()
    places = paired(frame)
    assert share_difference(places, "rru", "gru") == (0.0, 0.0, 0.0, 0, 0, 1.0)
    told = findings._wins(places)
    assert "RRU 0" in told and f"no single one at {len(places)}" in told


def test_own_best_and_best_of_all_differ():
    def worse(point):
        return 4.0 if point.config.cell == "rru" else 6.0

    table = grid_table(frame_of(robustness_points(), worse))
    assert table.loc["gru", "own_10"] == 100.0 and table.loc["gru", "all_10"] == 0.0


def test_accuracies_count_as_errors():
    frame = frame_of(robustness_points(["rru"]), lambda p: 98.0, metric="accuracy")
    assert grid_table(frame).loc["rru", "best"] == pytest.approx(2.0)


def test_pairs_are_the_places_measured_for_every_cell():
    def half(point):
        lost = point.config.cell == "gru" and point.config.n_params == 40_000
        return "missing" if lost else "ok"

    table = paired(frame_of(robustness_points(), steep, half))
    assert len(table) == 9 and list(table.columns) == ["rru", "gru"]
    found = share_difference(table, "rru", "gru")
    assert found.points == pytest.approx(100 * 6 / 9)
    assert found.low <= found.points <= found.high
    assert (found.only_one, found.only_other) == (6, 0)
    assert found.p == 0.5, "six squares to one side, of two rates alone"
    turned = share_difference(table, "gru", "rru")
    assert (turned.points, turned.only_one, turned.only_other) == (-found.points, 0, 6)


ALL, OWN = "by the best of all cells", "by each cell's own best"


def test_the_verdict_follows_the_numbers():
    points = robustness_points(grid=FINE)
    said = findings.robustness(frame_of(points, steep))
    shares = "on 100 % of the grid, the best gated cell (GRU) on 30 %: +70 points"
    assert "holds here**" in said and shares in said
    assert "No training failed." in said and "One seed" in said
    verdicts = findings.robustness_verdicts(frame_of(points, steep))
    assert verdicts[ALL].held == verdicts[OWN].held == "holds", "both cells have the same best"
    assert "28 to 0 squares, p = 0.016)" in said
    assert shares in verdicts[ALL].note

    def reversed_(point):
        decades = abs(np.log10(point.config.learning_rate / 1e-3))
        return 4.0 * (1 + decades * (0.3 if point.config.cell == "rru" else 0.01))

    assert "does not hold here**" in findings.robustness(frame_of(points, reversed_))
    verdict = findings.robustness_verdicts(frame_of(points, reversed_))[ALL]
    assert verdict.held == "does not hold"
    same = frame_of(points, lambda p: 4.0)
    assert "is inconclusive here**" in findings.robustness(same)
    verdict = findings.robustness_verdicts(same)[ALL]
    assert (verdict.held, verdict.p) == ("inconclusive", 1.0)
    assert verdict.note.endswith("gated cell (GRU) on 100 %: no square tells the two apart")
    assert "Without the" not in findings.robustness(same), "nor does any with a rate left out"
    nothing = findings.robustness(frame_of(points, steep, lambda p: "missing"))
    assert nothing == "Nothing is measured here yet."
    alone = findings.robustness(frame_of(robustness_points(["rru"]), steep))
    assert "claim" not in alone, "no verdict without a gated cell"


def test_near_the_best_of_all_and_near_ones_own_best_may_part():
    """The RRU is the better one everywhere, and by its own best the narrower one."""

    def score(point):
        if point.config.cell == "gru":
            return 6.0
        return 5.0 if point.config.learning_rate < 7e-4 else 4.0

    grid = FINE | {"learning_rate": [*RATES, 6e-4, 8e-4]}
    frame = frame_of(robustness_points(grid=grid), score)
    verdicts = findings.robustness_verdicts(frame)
    assert (verdicts[ALL].held, verdicts[OWN].held) == ("holds", "does not hold")
    said = findings.robustness(frame)
    assert "on 50 % of the grid, the best gated cell (GRU) on 100 %: −50 points" in said
    assert "worst of 48 trainings, 5, is better than the best of every gated cell, 6 (GRU)" in said
    assert "p < 0.0001 over the squares, p = 0.00049 over the 12 learning rates" in said
    frame.loc[frame.cell == "gru", "test"] = [4.5] + [6.0] * 47
    said = findings.robustness(frame)
    assert "5, is no better than" in said and "sign test" not in said


def test_learning_rates_are_drawn_with_all_their_squares():
    """Squares of a rate that are all alike tell no more than one of them."""
    points = robustness_points(grid=FINE)
    frame = frame_of(points, steep)
    one_size = frame[frame.n_params == 40_000]
    columns = ["own_10", "own_10_low", "own_10_high"]
    assert list(grid_table(frame).loc["gru", columns]) == pytest.approx(
        list(grid_table(one_size).loc["gru", columns])
    )
    many, few = (share_difference(paired(f), "rru", "gru") for f in (frame, one_size))
    assert many[:3] == pytest.approx(few[:3]) and many.p == few.p


def test_the_p_value_turns_the_signs_of_rates():
    """By hand: 4, 2 and -1 have eight sums, of which four are as far from zero as 5."""
    rates, sizes = [1e-4, 1e-3, 1e-2, 2e-2], range(4)
    index = pd.MultiIndex.from_product([rates, sizes], names=["learning_rate", "n_params"])
    good = {"rru": [4, 2, 0, 3], "gru": [0, 0, 1, 3]}
    table = pd.DataFrame(
        {cell: [4.0 if k < n else 9.0 for n in of for k in sizes] for cell, of in good.items()},
        index=index,
    )
    assert share_difference(table, "rru", "gru").p == 4 / 8


def test_a_rate_with_more_squares_weighs_more_in_the_p_value():
    """By hand: of the eight sums of 3, 1 and -1 six are as far from zero as 3."""
    places = [(1e-4, 0), (1e-4, 1), (1e-4, 2), (1e-3, 0), (1e-2, 0)]
    index = pd.MultiIndex.from_tuples(places, names=["learning_rate", "n_params"])
    table = pd.DataFrame({"rru": [4.0] * 4 + [9.0], "gru": [9.0] * 4 + [4.0]}, index=index)
    assert share_difference(table, "rru", "gru").p == 6 / 8


def test_the_limit_itself_is_within_and_no_error_at_all_is_near_itself():
    assert near_best(pd.DataFrame({"rru": [2.0, 2.2, 2.3]})).rru.tolist() == [True, True, False]
    assert near_best(pd.DataFrame({"rru": [0.0, 1.0]})).rru.tolist() == [True, False]


def test_doing_worse_than_one_of_several_is_corrected_for_their_number():
    def worse(point):
        failing = point.config.cell == "rru" and point.config.learning_rate < 5e-3
        return 9.0 if failing else 4.0

    for cells, p, held in [
        (("rru", "gru"), 2 / 2**7, "does not hold"),
        (("rru", "gru", "lstm", "mogrifier"), 6 / 2**7, "does not hold"),
    ]:
        verdict = findings.robustness_verdicts(frame_of(robustness_points(cells, FINE), worse))[ALL]
        assert (verdict.p, verdict.held) == (p, held)


def test_rates_may_have_different_numbers_of_squares():
    lost = {
        "status": lambda p: "missing" if p.config.n_params * p.config.learning_rate > 500 else "ok"
    }
    table = grid_table(frame_of(robustness_points(grid=FINE), steep, **lost))
    runs = table.loc["gru", "runs"]
    assert 12 < runs < 40 and table.loc["gru", "own_10"] == pytest.approx(100 * 12 / runs, abs=25)
    assert table.loc["gru", "own_10_low"] < table.loc["gru", "own_10"]


@pytest.mark.parametrize("n_cut, verdict", [(16, "holds"), (17, "inconclusive")])
def test_what_a_limit_cut_off_decides_nothing(n_cut, verdict):
    """Of 80 trainings a fifth is 16."""
    frame = frame_of(robustness_points(grid=FINE), steep)
    frame.loc[frame.index[::4][:n_cut], "cut_off"] = True
    verdicts = findings.robustness_verdicts(frame)
    held = {
        measure: v.held for measure, v in verdicts.items() if v.claim.startswith("The RRU works")
    }
    assert set(held.values()) == {verdict} and list(held) == ([ALL, OWN] if n_cut == 16 else [""])
    assert (f"ended {n_cut} of 80 trainings" in findings.robustness(frame)) == (n_cut == 17)
    assert len(paired(frame)) == 40 - n_cut, "a place needs both cells"
    whole = frame.assign(cut_off=True)
    assert paired(whole).empty and "inconclusive" in findings.robustness(whole)


def test_few_squares_decide_nothing_however_sure_the_bootstrap_is():
    def at_one_size(point):
        apart = point.config.cell == "gru" and point.config.n_params == 40_000
        return 8.0 if apart or point.config.learning_rate > 2e-3 else 4.0

    points = section("robustness").points(
        "nottingham",
        ["rru", "gru"],
        learning_rate=GRID["learning_rate"],
        n_params=[40_000, 100_000],
    )
    difference = share_difference(paired(frame_of(points, at_one_size)), "rru", "gru")
    assert (difference.only_one, difference.only_other, difference.p) == (2, 0, 0.5)
    bold = difference._replace(low=1.0)
    assert findings._holds(bold) is None
    assert findings._holds(bold._replace(p=0.04)) is True
    assert findings._holds(bold._replace(p=0.04, low=-2.0, high=-1.0)) is False
    assert findings._holds(bold._replace(p=0.04, low=0.0, high=1.0)) is None


@pytest.mark.parametrize("which, rates", [("lowest", RATES[:6]), ("highest", RATES[:3:-1])])
def test_without_the_outermost_rates_the_verdict_is_told_anew(which, rates):
    """Six rates suffice, five do not."""

    def only_there(point):
        there = point.config.learning_rate in rates and point.config.cell == "gru"
        return 8.0 if there else 4.0

    said = findings.robustness(frame_of(robustness_points(grid=FINE), only_there))
    assert "holds here**" in said
    assert (
        f"Without the {which} learning rate, {rates[0]:g}, the claim is inconclusive: +56 points"
        in said
    )


def test_a_median_of_an_even_number_lies_between_the_middle_two():
    from rru_nb.analysis.robust import _median

    rows = np.array([[4.0, 1.0, 2.0, 8.0], [np.inf, 1.0, 2.0, np.inf], [np.inf] * 4])
    assert list(_median(rows)) == [3.0, 2.0, np.inf], "a failed training is no number to average"


def test_what_learned_nothing_of_the_input_is_counted():
    frame = frame_of(robustness_points(), steep)  # the GRU: 4.0 in the middle, else 5.2
    assert "ignores the input" not in findings.robustness(frame)
    said = findings.robustness(frame.assign(baseline=5.2))
    assert "ignores the input (5.20): RRU 0 of 12, GRU 8 of 12." in said


def test_normalization_compares_the_two_halves():
    points = section("normalization").points("nottingham", **FINE)

    def score(point):
        decades = abs(np.log10(point.config.learning_rate / 1e-3))
        return 4.0 * (1 + decades * (0.01 if point.config.normalize else 0.3))

    frame = frame_of(points, score)
    said = findings.normalization(frame)
    assert (
        "**The claim that normalization broadens the range in which the RRU works holds here**"
        in said
    )
    assert "lower at 36 of the 40 squares" in said
    verdict = findings.normalization_verdicts(frame)["broader range"]
    assert p_text(verdict.p) in verdict.note
    assert verdict.held == "holds" and verdict.note in said
    broken = frame_of(points, score, lambda p: "ok" if p.config.normalize else "failed")
    failed = (
        "At 40 squares a training failed only without it, at 0 only with it (sign test: "
        "p < 0.0001 over the squares, p = 0.002 over their 10 learning rates)."
    )
    assert failed in findings.normalization(broken)
    failures = findings.normalization_verdicts(broken)["failures"]
    assert failures.held == "holds" and failures.note == (
        "40 trainings failed only without it, 0 only with it, at 10 learning rates; p = 0.002"
    )
    assert findings.normalization_verdicts(frame)["failures"].held == "inconclusive"
    (undecided,) = findings.normalization_verdicts(frame.assign(cut_off=True)).values()
    assert undecided.held == "inconclusive"


@pytest.mark.parametrize(
    "losses, held, p",
    [
        ([[1.0] * 8] * 7, "holds", 2 / 2**7),  # all of seven learning rates
        ([[1.0] * 8] * 5, "inconclusive", 2 / 2**5),  # five coins
        ([[1.0] * 8] * 6 + [[1.0] * 7 + [2.0]], "inconclusive", 1.0),  # a tie is not the lowest
        ([[3.0] * 8] + [[1.0] * 8] * 2, "does not hold", 3 * 2 / 2**8),  # one rate of three
        ([[3.0] * 8] + [[1.0] * 8] * 8, "inconclusive", 9 * 2 / 2**8),  # one rate of nine
        ([[3.0] * 4 + [1.0] * 4] * 9, "inconclusive", 1.0),  # half of the sizes
    ],
)
def test_the_best_throughout_is_beaten_at_a_rate_or_not_at_all(losses, held, p):
    """`losses` of one, a list for each learning rate, beside 2.0 of the other."""
    index = ["learning_rate", "n_params"]
    places = pd.DataFrame(losses).rename_axis(*index[:1]).rename_axis(columns=index[1])
    places = pd.DataFrame({True: places.stack(), False: 2.0})
    frame = frame_of(robustness_points(["rru"]), steep)  # as many trainings as may be
    verdict = findings._everywhere("It is best.", frame, places)
    assert (verdict.held, verdict.p) == (held, pytest.approx(p))
    lowest = int((places[True] < places[False]).sum())
    assert f"lowest at {lowest} of {len(places)} squares; {p_text(p)}" == verdict.note


def test_several_others_share_the_correction():
    def score(point):
        at_one_rate = point.config.learning_rate == RATES[0]
        return {"rru": 4.0, "gru": 5.0, "lstm": 3.0 if at_one_rate else 5.0}[point.config.cell]

    points = robustness_points(("rru", "gru", "lstm"), FINE)
    n_rates, n_sizes = (len({getattr(p.config, name) for p in points}) for name in FINE)
    verdict = findings.robustness_verdicts(frame_of(points, score))["lowest loss throughout"]
    assert verdict.p == pytest.approx(min(1, 2 * n_rates * 2 / 2**n_sizes))


@pytest.mark.parametrize(
    "n_without, n_with, said",
    [
        (3, 0, "p = 0.25 over the squares, p = 1 over their 1 learning rate)"),
        (2, 1, "p = 1 over the squares, p = 1 over their 1 learning rate)"),
        (1, 1, "p = 1 over the squares, p = 1 over their 1 learning rate)"),
    ],
)
def test_failures_at_one_rate_are_no_more_than_one_sign(n_without, n_with, said):
    failing = {False: n_without, True: n_with}  # by normalization
    points = section("normalization").points("nottingham", **FINE)
    sizes = sorted({point.config.n_params for point in points})

    def status(point):
        config = point.config
        place = sizes.index(config.n_params) - (n_without if config.normalize else 0)
        fails = config.learning_rate == RATES[-1] and 0 <= place < failing[config.normalize]
        return "failed" if fails else "ok"

    assert said in findings.normalization(frame_of(points, lambda point: 4.0, status))


def test_what_the_epoch_limit_cut_off_is_counted():
    frame = frame_of(robustness_points(), steep)
    assert "none was cut off" in findings.limit_note(frame)
    frame.loc[:4, "cut_off"] = True
    frame.loc[:2, "at_limit"] = True
    said = findings.limit_note(frame)
    assert "cut off 5 of the 24 trainings" in said and "(3 had their best epoch in" in said


@pytest.mark.parametrize(
    "value, shown", [(-0.5, "-0.50"), (0.1, "+0.10"), (0.004, "+0.004"), (12.0, "+12.00")]
)
def test_no_bound_of_an_interval_is_rounded_to_zero(value, shown):
    assert signed(value) == shown


# Tables


def test_scale_changes_are_read_off_the_configs():
    table = scale_changes(section("robustness"), "nottingham", "laptop")
    assert table.loc["train_limit", "paper"] == "none"
    assert table.loc["rank", "scale laptop"] == "10"
    assert "max_epochs" not in table.index, "none at both scales"
    assert "dropout" not in table.index, "0.5 at both scales"
    assert scale_changes(section("robustness"), "nottingham", "paper").empty
    own = scale_changes(section("dropout"), "nottingham", "laptop", ["rru"], dropout=[0.25])
    assert own.loc["dropout", "scale laptop"] == "0.25", "what a page ran"
    assert own.loc["dropout", "paper"].startswith("10 values")
    own = scale_changes(section("dropout"), "chorales", "smoke")
    assert own.loc["output_size", "paper"] == "64"


def test_shown_numbers_have_their_intervals():
    shown = shown_grid_table(frame_of(robustness_points(), steep))
    assert shown.loc["RRU", "within 10 % of its own best"] == "100 %"
    assert shown.loc["GRU", "best"] == "4.00"


# Several gated cells, several seeds, and zero


def test_the_rival_is_the_best_of_several_gated_cells():
    cost = {"rru": 0.01, "gru": 0.3, "lstm": 0.01}

    def score(point):
        decades = abs(np.log10(point.config.learning_rate / 1e-3))
        return 4.0 * (1 + decades * cost[point.config.cell])

    frame = frame_of(robustness_points(tuple(cost)), score)
    verdict = findings.robustness_verdicts(frame)[ALL]
    assert verdict.held == "inconclusive" and "gated cell (LSTM) on 100 %" in verdict.note
    assert "gated cell (LSTM) on 100 %" in findings.robustness(frame)


def test_the_best_of_all_cells_sets_the_limit_for_each_pair():
    level = {"rru": 6.0, "gru": 8.0, "lstm": 4.0}
    table = paired(frame_of(robustness_points(tuple(level)), lambda p: level[p.config.cell]))
    assert share_difference(table, "rru", "gru").points == 0.0


def test_each_seed_of_a_grid_point_is_a_place_of_its_own():
    points = section("robustness").points("nottingham", ("rru", "gru"), seeds=[0, 1], **GRID)

    def lost(point):
        return "missing" if point.config.cell == "gru" and point.config.seed == 1 else "ok"

    assert len(paired(frame_of(points, steep))) == 24
    assert len(paired(frame_of(points, steep, lost))) == 12


def test_without_a_single_run_of_one_cell_there_is_no_verdict():
    def lost(point):
        return "missing" if point.config.cell == "lstm" else "ok"

    frame = frame_of(robustness_points(("rru", "gru", "lstm")), steep, lost)
    assert paired(frame).empty
    assert [v.limits for v in findings.robustness_verdicts(frame).values()] == [
        ("12 of 36 runs are not measured",)
    ]


def test_a_median_next_to_failed_trainings_is_that_of_the_better_ones():
    points = robustness_points(["rru"])[:4]
    frame = frame_of(
        points,
        lambda p: 4.0 + points.index(p),
        lambda p: "failed" if p in points[2:] else "ok",
    )
    assert grid_table(frame).loc["rru", "median"] == 5.0, "infinity swallows no neighbour"


def test_intervals_are_shown_from_low_to_high():
    frame = frame_of(robustness_points(), steep)
    gru = grid_table(frame).loc["gru"]
    assert gru.own_10_low < gru.own_10_high
    shown = shown_grid_table(frame).loc["GRU", "within 10 % of its own best"]
    assert shown == f"33 % ({gru.own_10_low:.0f}–{gru.own_10_high:.0f})"
