"""Notebook parameters: canonical forms, and a typo is an error that names the nearest."""

import re

import pytest
import yaml

from rru_nb import UserError, check_parameters
from rru_nb.training import parameters
from rru_nb.training.settings import value_of


def test_canonical_forms():
    checked = check_parameters(
        {"dataset": "JSB Chorales", "cells": "RRU, gru", "scale": "paper", "seeds": 1, "_": 3}
    )
    assert vars(checked) == {
        "dataset": "jsb",
        "cells": ["rru", "gru"],
        "scale": "paper",
        "seeds": [1],
    }


def test_own_parameters():
    checked = check_parameters({"rates": [0.1]}, rates=lambda rates: [2 * r for r in rates])
    assert checked.rates == [0.2]


def test_a_cell_defined_above_them_is_no_parameter():
    own = {"LeakyCell": type("LeakyCell", (), {}), "register": lambda: None, "seeds": [3]}
    assert vars(check_parameters(own, takes=["seeds"])) == {"seeds": [3]}


@pytest.mark.parametrize(
    "session, fragments",
    [
        ({"datset": "jsb"}, ["'datset'", "'dataset'"]),
        ({"dataset": "nottinham"}, ["'nottinham'", "'nottingham'"]),
        ({"cells": ["rru", "gur"]}, ["'gur'", "'gru'"]),
        ({"cells": []}, ["cells = []"]),
        ({"cells": 3}, ["cells = 3", "list"]),
        ({"cells": ""}, ["cells = ''", "list"]),
        ({"cells": "[rru, gur]"}, ["'gur'", "'gru'"]),
        ({"scale": "laptob"}, ["'laptob'", "'laptop'"]),
        ({"seeds": [-1]}, ["seeds = [-1]"]),
        ({"seeds": "[0.5]"}, ["seeds = '[0.5]'"]),
        ({"seeds": "[[0]]"}, ["seeds = '[[0]]'"]),
        ({"seeds": [True]}, ["seeds = [True]"]),
    ],
)
def test_typos(session, fragments):
    with pytest.raises(UserError) as error:
        check_parameters(session)
    for fragment in fragments:
        assert fragment in str(error.value)


@pytest.mark.parametrize("text", ["1e-2", "1E-2", "1.0e-2", ".1e-1", "0.001e1", "0.01"])
def test_numbers_are_read_as_people_write_them(text):
    """YAML 1.1 takes 1e-2 for a word."""
    assert value_of(text) == 0.01
    assert value_of(f"[{text}, 2]") == [0.01, 2]
    assert value_of("1e6") == 1_000_000 and isinstance(value_of("1e6"), int)
    assert value_of("rru") == "rru" and value_of("2e") == "2e"


def test_an_error_of_a_parameter_of_ones_own_names_it():
    with pytest.raises(UserError, match="^parameter n_trials: -1 must be a whole number"):
        parameters.check_parameters({"n_trials": -1}, n_trials=parameters.count)
    two = parameters.at_least(2, or_none=False)
    for wrong in (1, None):
        with pytest.raises(UserError, match=f"^parameter updates: {wrong} must .* at least 2.$"):
            parameters.check_parameters({"updates": wrong}, updates=two)
    with pytest.raises(UserError, match="seed = 4294967296"):
        parameters.check_parameters({"seeds": [2**32]})


def test_a_set_that_is_no_music_is_refused_where_music_is_shown():
    check = {"takes": [], "dataset": parameters.music_dataset}
    assert check_parameters({"dataset": "JSB Chorales"}, **check).dataset == "jsb"
    with pytest.raises(UserError, match="dataset 'imdb' is no music. Valid: 'jsb'"):
        check_parameters({"dataset": "imdb"}, **check)


LISTS = {
    "seeds": (["[0]", "0", " [ 0 ] ", 0, [0], (0,)], [0]),
    "cells": (["[RRU, gru]", "rru,GRU", "['rru', \"gru\"]", ["rru", "gru"]], ["rru", "gru"]),
    "rates": (["[1e-1, 0.5]", "0.1, 0.5", [0.1, 0.5]], [0.1, 0.5]),
    "sizes": (["[1000]", "1000", 1000], [1000]),
    "also": (["[JSB Chorales, imdb]", "jsb,IMDB", ["jsb", "imdb"]], ["jsb", "imdb"]),
    "variants": (["[b, a]", "b, a", ["b", "a"]], ["b", "a"]),
    "x": (["[1, -2.5]", "1, -2.5", [1, -2.5]], [1.0, -2.5]),
}
OWN = {
    "rates": parameters.values_of("dropout"),
    "sizes": parameters.values_of("n_params"),
    "also": parameters.datasets,
    "variants": parameters.choices("variants", {"a": 1, "b": 2}),
    "x": parameters.numbers("x", 2),
}


def one_parameter(name, value):
    return getattr(check_parameters({name: value}, **OWN), name)


@pytest.mark.parametrize("name", LISTS)
def test_a_text_that_reads_as_a_list_is_that_list(name):
    """As papermill's `-p` gives it: a text, or the number that the text is."""
    given, wanted = LISTS[name]
    assert [one_parameter(name, value) for value in given] == [wanted] * len(given)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("value", ["", "[", "[]]", 1.5j])
def test_what_is_no_list_is_told_a_form_that_papermill_takes(name, value):
    with pytest.raises(UserError) as error:
        one_parameter(name, value)
    assert f"parameter {name} = {value!r} must be a list of" in str(error.value)
    (told,) = re.findall('papermill: -y "(.*)"', str(error.value))
    ((named, example),) = yaml.safe_load(told).items()
    assert named == name and one_parameter(name, example)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("value", ["{a: b}", {"a": "b"}, True, "true", "[[1]]", [[1]], "1: 2"])
def test_a_list_of_the_wrong_things_is_refused(name, value):
    with pytest.raises(UserError, match=name):
        one_parameter(name, value)


def test_none_is_the_sections_own_and_an_empty_list_no_further_dataset():
    assert one_parameter("rates", None) is None and one_parameter("variants", None) is None
    assert one_parameter("also", "[]") == one_parameter("also", []) == []
    for name in set(LISTS) - {"also"}:
        with pytest.raises(UserError, match=f"{name} = "):
            one_parameter(name, "[]")


@pytest.mark.parametrize("given, meant", [(True, True), ("false", False), ("True", True)])
def test_a_truth_value_may_come_as_papermill_gives_it(given, meant):
    assert check_parameters({"train": given}).train is meant


@pytest.mark.parametrize("given", [1, 0, None, "no", ""])
def test_nothing_else_is_a_truth_value(given):
    with pytest.raises(UserError, match="train.*must be True or False"):
        check_parameters({"train": given})
