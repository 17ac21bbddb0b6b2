"""Notebook parameters: canonical forms, and a typo is an error that names the nearest."""

import pytest

from rru_nb import UserError, check_parameters
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
