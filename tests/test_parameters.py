"""Notebook parameters: canonical forms, and a typo is an error that names the nearest."""

import pytest

from rru_nb import UserError, check_parameters, parameters
from rru_nb.settings import value_of


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


@pytest.mark.parametrize(
    "session, fragments",
    [
        ({"datset": "jsb"}, ["'datset'", "'dataset'"]),
        ({"dataset": "nottinham"}, ["'nottinham'", "'nottingham'"]),
        ({"cells": ["rru", "gur"]}, ["'gur'", "'gru'"]),
        ({"cells": []}, ["cells = []"]),
        ({"cells": 3}, ["cells = 3", "list"]),
        ({"scale": "laptob"}, ["'laptob'", "'laptop'"]),
        ({"seeds": [-1]}, ["seeds = [-1]"]),
        ({"seeds": "0"}, ["seeds = '0'"]),
        ({"seeds": [True]}, ["seeds = [True]"]),
    ],
)
def test_typos(session, fragments):
    with pytest.raises(UserError) as error:
        check_parameters(session)
    for fragment in fragments:
        assert fragment in str(error.value)


@pytest.mark.parametrize("text", ["1e-2", "1E-2", "1.0e-2", "0.01"])
def test_numbers_are_read_as_people_write_them(text):
    """YAML 1.1 takes 1e-2 for a word."""
    assert value_of(text) == 0.01
    assert value_of(f"[{text}, 2]") == [0.01, 2]
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
    with pytest.raises(UserError, match="music set 'imdb'"):
        check_parameters({"dataset": "imdb"}, **check)
