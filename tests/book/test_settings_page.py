"""The page of the paper's settings prints its tables as the paper does."""

import pytest

from book.tools import paper_settings
from rru_nb.training.settings import changeable

# Tables 4 and 5, copied from the paper.
TABLE_4 = """
RRU
Learning rate: 0.00495 0.00029 0.00030 0.00077 0.00683
Dropout rate: 0.79362 0.77186 0.77518 0.71577 0.66035
Number of parameters: 6.9M 2.6M 8.6M 5.9M 25.9M
Middle layer size multiplier q: 1.76958 7.31994 6.85699 3.68371 6.86655
GRU
Learning rate: 0.00460 0.00454 0.00260 0.00932 0.00012
Dropout rate: 0.67605 0.33787 0.64839 0.75069 0.27062
Number of parameters: 1.8M 3.4M 1.9M 2.4M 10.0M
LSTM
Learning rate: 0.01000 0.00882 0.00493 0.00727 0.00162
Dropout rate: 0.30081 0.20310 0.35383 0.22951 0.10384
Number of parameters: 1.3M 1.3M 1.8M 11.9M 14.2M
Forget bias: 0.76843 -0.04104 1.85746 0.59993 -2.33114
Mogrifier LSTM
Learning rate: 0.00255 0.00169 0.00135 0.00012 0.00074
Dropout rate: 0.47521 0.73808 0.55499 0.77291 0.46872
Number of parameters: 1.3M 6.0M 10.3M 2.9M 24.2M
Feature mask rounds: 6 5 5 5 5
Feature mask rank: 58 48 76 63 74
"""
TABLE_5 = """
All cells
Number of parameters: 48M 20M 70K
Context size: 256 512 784
Batch size: 64 64 64
Number of layers: 2 2 2
Embedding size: 32 64 –
Epochs without a gain before a break: 3 5 5
RRU
ReLU layers: 2 1 1
Middle layer size multiplier q: 4.0 2.0 2.0
Output size p: 128 64 64
LSTM
Forget bias: 1.0 1.0 1.0
Mogrifier LSTM
Feature mask rounds: 6 5 6
Feature mask rank: 79 40 50
"""


def groups_of(text):
    groups = {}
    for line in text.strip().splitlines():
        name, _, values = line.partition(": ")
        if values:
            groups[list(groups)[-1]][name] = values.split()
        else:
            groups[line] = {}
    return groups


def test_table_4_is_the_papers():
    columns, groups = paper_settings.table_4()
    assert len(columns) == 5 and groups == groups_of(TABLE_4)


def test_what_no_search_changed_is_as_in_appendix_a1():
    columns, groups = paper_settings.fixed_in_table_4()
    music, words = (
        ["200", "16", "1", "–", "7", "1", "64"],
        ["64", "128", "2", "64", "7", "1", "128"],
    )
    rows = [values for rows in groups.values() for values in rows.values()]
    assert [[row[i] for row in rows] for i in range(5)] == [music] * 4 + [words]


def test_table_5_is_the_papers_where_it_joins_datasets():
    columns, groups = paper_settings.table_5()
    enwik8, text8, imdb, mnist, pmnist = 1, 2, 3, 4, 5
    for of_paper in ((enwik8, imdb, mnist), (text8, imdb, pmnist)):
        shown = {
            title: {name: [values[i] for i in of_paper] for name, values in rows.items()}
            for title, rows in groups.items()
        }
        assert shown == groups_of(TABLE_5)


def test_table_6_has_the_small_rate_as_a_power_of_ten():
    columns, groups = paper_settings.table_6()
    mnist = columns.index("Sequential MNIST")
    rates = {cell: rows["Learning rate"][mnist] for cell, rows in groups.items()}
    assert rates == {"RRU": "1e-3", "GRU": "1e-3", "LSTM": "1e-4", "Mogrifier LSTM": "5e-5"}


def test_table_3_has_the_ranges():
    columns, groups = paper_settings.table_3()
    assert groups["Word-level Penn Treebank"]["Number of parameters"] == ["10M", "30M", "uniform"]
    assert groups["RRU"] == {"Middle layer size multiplier q": ["0.1", "8.0", "uniform"]}
    assert groups["LSTM"] == {"Forget bias": ["-3.0", "3.0", "uniform"]}
    (music,) = [rows for title, rows in groups.items() if title.startswith("JSB Chorales")]
    assert music["Learning rate"] == ["1e-4", "1e-2", "log"]


@pytest.mark.parametrize("name", [f"paper_table_{number}.md" for number in (3, 4, "4_fixed", 5, 6)])
def test_each_row_has_a_cell_for_each_column(name):
    html = paper_settings.FRAGMENTS[name](None)
    columns = html.partition("</thead>")[0].count("<th ")
    rows = [row for row in html.split("<tr>") if "<td>" in row]
    assert rows and {row.count("<td") for row in rows} == {columns}


def test_every_setting_is_listed_with_its_meaning():
    header, _, *rows = paper_settings.every_setting(None).splitlines()
    assert [row.split("`")[1] for row in rows] == list(changeable())
    assert {row.count("|") for row in rows} == {header.count("|")}


def test_the_template_is_written_as_agreed(golden):
    made_up = (["A", "B <C>"], {"Cell": {"Rate": ["1e-3", "0.7"]}, "Other": {"Size": ["1M", "–"]}})
    golden("settings.html", paper_settings.fragment(None, lambda: made_up, 9))
