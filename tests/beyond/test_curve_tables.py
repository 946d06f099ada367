"""Tables of measurements as people have them: what is read, what is said, what is refused."""

import os
import resource
from pathlib import Path

import numpy as np
import pytest

from paid_with_models.beyond.curve_tables import read_curve_table
from paid_with_models.beyond.measured_curves import learning_curve
from paid_with_models.beyond.table_text import TableError

PLAIN = [500.0, 2000.0, 8000.0], [0.80, 0.865, 0.90]


def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "points.csv"
    path.write_bytes(text.encode(encoding))
    return path


def read(tmp_path, text, **options):
    return read_curve_table(written(tmp_path, text), **options)


# Files that users brought


@pytest.mark.parametrize(
    ("text", "sizes", "accuracies", "errors"),
    [
        (
            "data,accuracy\n60,0.560\n120,0.611\n240,0.593\n480,0.652\n960,0.703\n",
            [60, 120, 240, 480, 960],
            [0.560, 0.611, 0.593, 0.652, 0.703],
            None,
        ),
        (
            "data,accuracy,std\n500,0.80,0.01\n2000,0.865,0.005\n8000,0.90,0.003\n",
            *PLAIN,
            [0.01, 0.005, 0.003],
        ),
        ("train_size,accuracy\n500,0.80\n2000,0.865\n8000,0.90\n", *PLAIN, None),
        (
            "data,accuracy\n500,0.81\n500,0.79\n500,0.80\n2000,0.86\n2000,0.87\n8000,0.90\n",
            [500, 500, 500, 2000, 2000, 8000],
            [0.81, 0.79, 0.80, 0.86, 0.87, 0.90],
            None,
        ),
        (
            "data,accuracy\n8000,0.90\n500,0.80\n2000,0.865\n",
            [8000, 500, 2000],
            [0.90, 0.80, 0.865],
            None,
        ),
        (
            "500,2000,8000\n0.81,0.86,0.90\n0.79,0.87,0.90\n",
            [500, 2000, 8000, 500, 2000, 8000],
            [0.81, 0.86, 0.90, 0.79, 0.87, 0.90],
            None,
        ),
    ],
    ids=["falls", "error column", "heading", "repeats", "unsorted", "wide"],
)
def test_files_that_users_brought_are_read_and_fitted(tmp_path, text, sizes, accuracies, errors):
    table = read(tmp_path, text)
    assert table.sizes.tolist() == sizes
    assert table.accuracies.tolist() == accuracies
    assert (table.errors is None) == (errors is None)
    assert errors is None or table.errors.tolist() == errors
    assert table.said
    fit = learning_curve(table.sizes, table.accuracies, table.errors)
    assert fit.largest_miss < 0.03


# One table in many dresses


@pytest.mark.parametrize(
    "text",
    [
        "n,acc\n500,.80\n2000,.865\n8000,.90\n",
        "acc,n\n.80,500\n.865,2000\n.90,8000\n",
        "samples,score\n5e2,0.80\n2E3,0.865\n8e+3,0.90\n",
        "n_samples\ttest_accuracy\n500\t0.80\n2000\t0.865\n8000\t0.90\n",
        "n;acc\n500;0,80\n2000;0,865\n8000;0,90\n",
        "n acc\n500 0,80\n2000 0,865\n8000 0,90\n",
        "n   acc\n500   0.80\n2000  0.865\n8000  0.90\n",
        "500 0.80\n2000 0.865\n8000 0.90\n",
        "500,0.80\n2000,0.865\n8000,0.90\n",
        "0.80,500\n0.865,2000\n0.90,8000\n",
        "0,500,0.80\n1,2000,0.865\n2,8000,0.90\n",
        "sep=;\nn;acc\n500;0.80\n2000;0.865\n8000;0.90\n",
        'n,acc\n"500","0.80"\n"2000","0.865"\n"8000","0.90"\n',
        "# run of May\n# n acc\n500 0.80\n2000 0.865\n8000 0.90\n",
        "# made by me\nn,acc\n500,0.80\n# half way\n2000,0.865\n8000,0.90\n",
        "| n | acc |\n|---|:--:|\n| 500 | .8 |\n| 2000 | .865 |\n| 8000 | .9 |\n",
        "n | acc\n500 | .8\n2000 | .865\n8000 | .9\n",
        ",n,acc\n0,500,.80\n1,2000,.865\n2,8000,.90\n",
        "Unnamed: 0,n,acc\n0,500,.80\n1,2000,.865\n2,8000,.90\n",
        "My experiment of 2023\nn,acc\n500,.80\n2000,.865\n8000,.90\n",
        "\n\nn,acc\n\n500,.80\n2000,.865\n8000,.90\n\n",
        "n,acc,error rate\n500,.80,.20\n2000,.865,.135\n8000,.90,.10\n",
        "n,acc,error\n500,.80,.20\n2000,.865,.135\n8000,.90,.10\n",
        "n,acc,loss,fit_time\n500,.80,.6,1\n2000,.865,.4,2\n8000,.90,.3,9\n",
        "train_sizes,train_scores_mean,test_scores_mean\n500,1,.80\n2000,1,.865\n8000,.99,.90\n",
        "n_train,n_test,acc\n500,1000,.80\n2000,1000,.865\n8000,1000,.90\n",
        "date,n,acc\n2024-05-01,500,.80\n2024-05-02,2000,.865\n2024-05-03,8000,.90\n",
        "n,500,2000,8000\naccuracy,.80,.865,.90\n",
        "n=500,n=2000,n=8000\n0.80,0.865,0.90\n",
        "500 samples,2000 samples,8000 samples\n0.80,0.865,0.90\n",
        "n;acc\n500;0,80\n2\u202f000;0,865\n8\u00a0000;0,90\n",
        "n;acc\n500;0,80\n2'000;0,865\n8'000;0,90\n",
        "Umfang;Genauigkeit\n500;0,80\n2000;0,865\n8000;0,90\n",
        "n;acc\n500;0,80\n2\u2009000;0,865\n8\u2009000;0,90\n",
        "n;acc\n500;0,80\n;\n2000;0,865\n8000;0,90\n;\n;\n",
        "n,acc\n500,.80,\n2000,.865,\n8000,.90,\n",
        "n,acc,note\n500,.80,\n2000,.865,\n8000,.90,last\n",
        "Report\nAccuracy by size\nn,acc\n500,.80\n2000,.865\n8000,.90\n",
        "5e2,2e3,8e3\n.80,.865,.90\n",
        "n,acc,acc_lower,acc_upper\n500,.80,.78,.82\n2000,.865,.85,.88\n8000,.90,.89,.91\n",
        "n,acc,ci_low,ci_high\n500,.80,.78,.82\n2000,.865,.85,.88\n8000,.90,.89,.91\n",
        "n,top1,top5\n500,.8,.9\n2000,.865,.95\n8000,.9,.97\n",
        "n & acc \\\\\n500 & .8 \\\\\n2000 & .865 \\\\\n8000 & .9 \\\\\n",
        (
            "\\begin{tabular}{rr}\n\\toprule\nn & test\\_acc \\\\ \\midrule\n500 & $.8$ \\\\\n"
            "\\hline 2000 & .865 \\\\[2pt]\n8000 & .9 \\\\\n\\bottomrule\n\\end{tabular}\n"
        ),
        "timestamp;n;acc\n01.05.24 12:00;500;0,8\n2.5.24 13:00;2000;0,865\n3.5.24;8000;0,9\n",
        ";;n;acc\n;;500;0,80\n;;2000;0,865\n;;8000;0,90\n",
        "\ufeffsep=;\nn;acc\n500;0,80\n2000;0,865\n8000;0,90\n",
        "n\tacc\n\u00a0500\t0.8\n2000\u00a0\t0.865\n8000\t0.9\n",
    ],
)
def test_usual_tables_are_read_alike(tmp_path, text):
    table = read(tmp_path, text)
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN
    assert not table.percent


@pytest.mark.parametrize(
    "text",
    [
        "n,acc\n500,0.80\n2k,0.865\n8K,0.90\n",
        "0.5k,2k,8 k\n0.80,0.865,0.90\n",
        (
            "n & acc \\\\ \\hline\n\\num{500} & $0.80$ \\\\\n2\\,000 & \\num{0.865} \\\\\n"
            "8\\,000 & \\textbf{0.90} \\\\\n"
        ),
        "| n | acc |\n|---|---|\n| 500 | 0.80 |\n| 2000 | `0.865` |\n| 8000 | **0.90** |\n",
        "n;acc\n500;0,80\n2 000;0,865\n8 000;0,90\n",
        (
            "# A tibble: 3 \N{MULTIPLICATION SIGN} 2\n      n   acc\n  <dbl> <dbl>\n1   500 0.80 \n"
            "2  2000 0.865\n3  8000 0.90 \n"
        ),
        "  n   | acc  \n------+------\n  500 | 0.80\n 2000 | 0.865\n 8000 | 0.90\n(3 rows)\n",
        (
            "+------+-------+\n| n    | acc   |\n+------+-------+\n|  500 |  0.80 |\n"
            "| 2000 | 0.865 |\n| 8000 |  0.90 |\n+------+-------+\n3 rows in set (0.00 sec)\n"
        ),
        (
            "shape: (3, 2)\n┌──────┬───────┐\n│ n    ┆ acc   │\n│ ---  ┆ ---   │\n"
            "│ i64  ┆ f64   │\n╞══════╪═══════╡\n│ 500  ┆ 0.80  │\n│ 2000 ┆ 0.865 │\n"
            "│ 8000 ┆ 0.90  │\n└──────┴───────┘\n"
        ),
        "n,acc\n500,0.80\n2000,0.865\n8000,0.90\nSource: our own\n",
        "Learning curve of 2024, first try\nn,acc\n500,0.80\n2000,0.865\n8000,0.90\n",
        *(
            f"{size};{accuracy}\n500;0.80\n2000;0.865\n8000;0.90\n"
            for size, accuracy in (
                ("Trainingsgröße", "Genauigkeit"),
                ("Taille de l'échantillon", "Exactitude"),
                ("taille de l'echantillon", "precision"),
                ("Tamaño de muestra", "Exactitud"),
                ("dimensione del campione", "accuratezza"),
                ("tamanho da amostra", "acurácia"),
                ("aantal voorbeelden", "nauwkeurigheid"),
                ("Размер выборки", "Точность"),
                ("训练样本数", "测试准确率"),
                ("サンプル数", "正解率"),
            )
        ),
    ],
)
def test_tables_as_programs_and_papers_print_them(tmp_path, text):
    table = read(tmp_path, text)
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN
    assert table.errors is None
    assert not table.percent


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("n,acc\n500,0.80 ± 0.01\n2000,0.865 ± 0.005\n8000,0.90 ± 0.003\n", False),
        ("n;acc ± std\n500;0,80 ± 0,01\n2000;0,865 ± 0,005\n8000;0,90 ± 0,003\n", False),
        ("n,acc (std)\n500,0.80 (0.01)\n2000,0.865 (0.005)\n8000,0.90 (0.003)\n", False),
        ("n,acc\n500,80% +/- 1%\n2000,86.5% +/- 0.5%\n8000,90% +/- 0.3%\n", True),
        ("n,acc ± sd (%)\n500,80 ± 1\n2000,86.5 ± 0.5\n8000,90 ± 0.3\n", True),
        (
            (
                "n & acc \\\\\n500 & $0.80 \\pm 0.01$ \\\\\n2000 & $0.865 \\pm 0.005$ \\\\\n"
                "8000 & \\textbf{0.90} $\\pm$ 0.003 \\\\\n"
            ),
            False,
        ),
        ("500,2000,8000\n0.80 ± 0.01,0.865 ± 0.005,0.90 ± 0.003\n", False),
    ],
)
def test_errors_behind_accuracies_are_read(tmp_path, text, percent):
    table = read(tmp_path, text)
    assert table.percent == percent
    whole = 100 if percent else 1
    assert table.sizes.tolist() == PLAIN[0]
    assert (table.accuracies / whole).tolist() == PLAIN[1]
    # Errors that the file says to be percent are shares already where it says so of them alone.
    assert (table.errors / whole).round(12).tolist() == [0.01, 0.005, 0.003]
    assert any("Errors are" in text for text in table.said)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_ends_of_lines(tmp_path, encoding, end):
    text = end.join(["n,acc", "500,0.80", "2000,0.865", "8000,0.90"])
    table = read_curve_table(written(tmp_path, text, encoding))
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN


def test_another_encoding_gets_advice(tmp_path):
    path = written(tmp_path, "Größe,acc\n500,0.80\n2000,0.865\n8000,0.90\n", "latin-1")
    with pytest.raises(TableError, match=r"Latin-1.*save it as CSV UTF-8"):
        read_curve_table(path)


def test_what_was_taken_for_what_is_said(tmp_path):
    table = read(tmp_path, "depth,acc,n\n3,.80,500\n3,.865,2000\n3,.90,8000\n")
    assert table.said == (
        "Amounts of data are from column 'n', accuracies from column 'acc'.",
        "Not used: 'depth'.",
    )


def test_columns_can_be_said_by_heading_or_number(tmp_path):
    text = "foo,bar,baz\n.80,500,.01\n.865,2000,.02\n.90,8000,.01\n"
    for size, accuracy, error in (("bar", "foo", "baz"), (2, 1, 3)):
        columns = {"size": size, "accuracy": accuracy, "error": error}
        table = read(tmp_path, text, columns=columns)
        assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN
        assert table.errors.tolist() == [0.01, 0.02, 0.01]


def test_deviations_become_errors_by_the_number_of_runs(tmp_path):
    text = "size_train,mean,std,count\n500,.80,.04,4\n2000,.865,.03,9\n8000,.90,.05,25\n"
    table = read(tmp_path, text)
    assert table.errors.tolist() == pytest.approx([0.02, 0.01, 0.01])
    bare = read(tmp_path, "n,acc,std\n500,.80,.04\n2000,.865,.03\n8000,.90,.05\n")
    assert bare.errors.tolist() == [0.04, 0.03, 0.05]
    assert any("no number of runs" in line for line in bare.said)


@pytest.mark.parametrize(
    ("heading", "times"),
    [("std", 1), ("2*std", 2), ("2 sd", 2), ("ci95", 1.95996), ("90% ci", 1.64485),
     ("acc_ci", 1.95996), ("99% CI width", 2 * 2.57583), ("ci95 half width", 1.95996)],
)  # fmt: skip
def test_intervals_and_multiples_become_standard_errors(tmp_path, heading, times):
    table = read(tmp_path, f"n,acc,{heading}\n500,.8,.04\n2000,.865,.02\n8000,.9,.01\n")
    assert table.errors == pytest.approx(np.array([0.04, 0.02, 0.01]) / times, rel=1e-4)


@pytest.mark.parametrize(
    "index", [("0", "0", "0", "1", "1", "1"), ("svm", "svm", "svm", "tree", "tree", "tree")]
)
def test_an_index_without_a_heading_that_tells_curves_apart_is_refused(tmp_path, index):
    rows = zip(index, (500, 2000, 8000) * 2, (0.8, 0.865, 0.9, 0.6, 0.7, 0.75), strict=True)
    text = ",n,acc\n" + "".join(f"{k},{n},{a}\n" for k, n, a in rows)
    with pytest.raises(TableError, match="several curves, by column 1, which has no heading"):
        read(tmp_path, text)


@pytest.mark.parametrize("index", ["012345", "012012", "abcdef"])
def test_an_index_of_rows_is_passed_over(tmp_path, index):
    rows = zip(index, (500, 2000, 8000) * 2, (0.8,) * 6, strict=True)
    text = ",n,acc\n" + "".join(f"{k},{n},{a}\n" for k, n, a in rows)
    assert read(tmp_path, text).sizes.size == 6


WIDE = ",500,2000,8000\naccuracy mean,.8,.865,.9\n"


@pytest.mark.parametrize(
    ("rows", "errors"),
    [
        ("std,.04,.02,.01\n", [0.04, 0.02, 0.01]),
        ("std,.04,.02,.01\nruns,4,4,4\n", [0.02, 0.01, 0.005]),
        ("95% CI,.0392,.0196,.0098\n", [0.02, 0.01, 0.005]),
        ("std,.04,.02,.01\nstderr,.02,.01,.005\n", [0.02, 0.01, 0.005]),
    ],
)
def test_rows_of_errors_are_read_as_columns_are(tmp_path, rows, errors):
    table = read(tmp_path, WIDE + rows)
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN
    assert table.errors.tolist() == pytest.approx(errors, rel=1e-4)
    assert "Errors are row" in table.said[-1]


def test_standard_errors_go_before_deviations(tmp_path):
    text = "n,acc,std,stderr\n500,.8,.04,.02\n2000,.865,.02,.01\n8000,.9,.01,.005\n"
    assert read(tmp_path, text).errors.tolist() == [0.02, 0.01, 0.005]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (WIDE + "accuracy mean,.8,.86,.9\nstd,.1,.1,.1\n", {}, "errors of one of 2 rows"),
        ("n,acc,stderr\n100,61%,.02\n200,70%,.01\n", {}, "errors none: they could be shares"),
        ("n,acc\n100,.6\n200,.7\n", {"columns": {"size": 1, "accuracy": 1}}, "name one column"),
    ],
)
def test_errors_that_can_be_read_in_two_ways_are_refused(tmp_path, text, options, message):
    with pytest.raises(TableError, match=message):
        read(tmp_path, text, **options)


def test_rows_are_picked_by_numbers_with_decimal_commas(tmp_path):
    text = "n;acc;dropout\n500;0,80;0,5\n2000;0,865;0,5\n8000;0,90;0,5\n8000;0,91;0,6\n"
    table = read(tmp_path, text, columns={"where": {"dropout": 0.5}})
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN


def test_rows_with_names_as_r_writes_them(tmp_path):
    table = read(tmp_path, '"n" "acc"\n"1" 500 0.8\n"2" 2000 0.865\n"3" 8000 0.9\n')
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN


def test_a_row_of_deviations_belongs_to_the_row_of_accuracies(tmp_path):
    table = read(tmp_path, "metric,500,2000,8000\naccuracy,.80,.865,.90\nstd,.01,.02,.01\n")
    assert table.accuracies.tolist() == PLAIN[1]
    assert table.errors.tolist() == [0.01, 0.02, 0.01]


def test_columns_of_runs_are_repeats(tmp_path):
    table = read(tmp_path, "n,fold1,fold2\n500,.79,.81\n2000,.86,.87\n8000,.9,.9\n")
    assert table.sizes.tolist() == [500, 2000, 8000] * 2
    assert learning_curve(table.sizes, table.accuracies).counts.tolist() == [2, 2, 2]


def test_rows_of_runs_are_repeats(tmp_path):
    text = "seed,n=500,n=2000,n=8000\n1,.81,.86,.90\n2,.79,.87,.90\n"
    assert read(tmp_path, text).sizes.size == 6
    text = "seed,n,acc\n1,500,.81\n1,2000,.86\n1,8000,.9\n2,500,.79\n2,2000,.87\n2,8000,.9\n"
    assert read(tmp_path, text).sizes.size == 6


@pytest.mark.parametrize(
    "text",
    [
        "n,1,2\n500,.8,.81\n2000,.86,.87\n8000,.9,.9\n",
        "n,0,1\n500,.8,.81\n2000,.86,.87\n8000,.9,.9\n",
        "n,100,200\n500,.8,.81\n2000,.86,.87\n8000,.9,.9\n",
        "n,acc,acc.1\n500,.8,.81\n2000,.86,.87\n8000,.9,.9\n",
        "samples,500,2000,8000\nfold1,.8,.86,.9\nfold2,.81,.87,.9\n",
        "n,1,2,3\n500,.8,.81,\n2000,.86,.87,\n8000,.9,.9,\n",
    ],
)
def test_numbers_of_runs_are_no_amounts_of_data(tmp_path, text):
    table = read(tmp_path, text)
    keep = ~np.isnan(table.accuracies)
    pairs = sorted(zip(table.sizes[keep].tolist(), table.accuracies[keep].tolist(), strict=True))
    assert pairs == [(500, 0.8), (500, 0.81), (2000, 0.86), (2000, 0.87), (8000, 0.9), (8000, 0.9)]


@pytest.mark.parametrize(
    "text",
    [
        "n,acc,std %\n500,.80,1\n2000,.865,2\n8000,.90,1\n",
        "n;acc;std\n500;0,80;1 %\n2000;0,865;2 %\n8000;0,90;1 %\n",
        "n;Genauigkeit;Standardabweichung\n500;0,80;0,01\n2000;0,865;0,02\n8000;0,90;0,01\n",
        "n;Genauigkeit;Fehler\n500;0,80;0,01\n2000;0,865;0,02\n8000;0,90;0,01\n",
        "data,500,2000,8000\naccuracy,.8,.865,.9\nerror,.01,.02,.01\n",
        "data,500,2000,8000\naccuracy,.8,.865,.9\nstd,1%,2%,1%\n",
        "500,.80,.01\n2000,.865,.02\n8000,.90,.01\n",
        "n,acc,95% CI\n500,.80,.0196\n2000,.865,.0392\n8000,.90,.0196\n",
        "n,acc,95 % CI in percent\n500,.80,1.96\n2000,.865,3.92\n8000,.90,1.96\n",
    ],
)
def test_errors_are_read_in_the_unit_of_accuracies(tmp_path, text):
    table = read(tmp_path, text)
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN
    assert table.errors.tolist() == pytest.approx([0.01, 0.02, 0.01], rel=1e-4)


def test_a_row_that_adds_up_to_one_is_no_spread(tmp_path):
    table = read(tmp_path, "data,500,2000,8000\naccuracy,.8,.865,.9\nerror,.2,.135,.1\n")
    assert table.errors is None


@pytest.mark.parametrize(
    "heading",
    [
        "n (thousands)",
        "n [k]",
        "n (x1000)",
        "samples in millions",
        "data (M)",
        "n [10^3]",
        "n in Tsd.",
        "n / 10\u00b3",
        "n (1e3)",
    ],
)
def test_amounts_counted_otherwise_than_one_by_one_are_remarked(tmp_path, heading):
    table = read(tmp_path, f"{heading},acc\n0.5,.80\n2,.865\n8,.90\n")
    assert table.sizes.tolist() == [0.5, 2, 8]
    assert any("taken as they stand" in line for line in table.said)


@pytest.mark.parametrize("heading", ["batch_size", "n_classes", "n_features", "image size"])
def test_sizes_of_other_things_are_no_amounts_of_data(tmp_path, heading):
    table = read(tmp_path, f"{heading},n,acc\n32,500,.8\n32,2000,.865\n32,8000,.9\n")
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN
    with pytest.raises(TableError, match="no heading names the amount of data"):
        read(tmp_path, f"{heading},acc\n32,.8\n64,.865\n256,.9\n")


@pytest.mark.parametrize("first", ["train acc", "training accuracy"])
def test_rows_of_training_data_are_left_out(tmp_path, first):
    text = f"n,500,2000,8000\n{first},.9,.95,.99\ntest acc,.8,.865,.9\n"
    table = read(tmp_path, text)
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN


def test_gaps_are_gaps(tmp_path):
    table = read(tmp_path, "n,acc\n500,.80\n1000,\n1500,NA\n2000,.865\n4000,nan\n8000,.90\n")
    assert np.isnan(table.accuracies).tolist() == [False, True, True, False, True, False]
    assert learning_curve(table.sizes, table.accuracies).sizes.tolist() == PLAIN[0]


def test_no_data_is_read(tmp_path):
    table = read(tmp_path, "n,acc\n0,.5\n500,.80\n2000,.865\n")
    assert learning_curve(table.sizes, table.accuracies).baseline == 0.5


def test_percent_signs_say_percent(tmp_path):
    for text in (
        "n;acc\n500;80 %\n2000;86,5 %\n8000;90%\n",
        "n,acc (%)\n500,80\n2000,86.5\n8000,90\n",
        "n,acc_percent\n500,80\n2000,86.5\n8000,90\n",
    ):
        table = read(tmp_path, text)
        assert table.percent
        assert table.accuracies.tolist() == [80, 86.5, 90]


def test_percent_without_a_sign_is_asked_for(tmp_path):
    text = "n,acc\n500,80\n2000,86.5\n8000,90\n"
    with pytest.raises(TableError, match="percent: true"):
        read(tmp_path, text)
    assert read(tmp_path, text, percent=True).percent
    with pytest.raises(TableError, match="percent is denied"):
        read(tmp_path, "n,acc\n500,80%\n2000,86.5%\n8000,90%\n", percent=False)


# Numbers that can be two


@pytest.mark.parametrize(
    ("text", "decimal", "sizes"),
    [
        ("n;acc\n1.000;0,41\n2.000;0,55\n8.000;0,71\n", ",", [1000, 2000, 8000]),
        ("n;acc\n1,000;0.41\n2,000;0.55\n8,000;0.71\n", ".", [1000, 2000, 8000]),
        ('n,acc\n"1,000",0.41\n"2,000",0.55\n"8,000",0.71\n', ".", [1000, 2000, 8000]),
        ("n;acc\n1.000;0.41\n2.000;0.55\n8.000;0.71\n", ".", [1, 2, 8]),
        ("1.000;2.000;8.000\n0,41;0,55;0,71\n", ",", [1000, 2000, 8000]),
    ],
)
def test_ambiguous_numbers_are_refused_until_the_decimal_mark_is_said(
    tmp_path, text, decimal, sizes
):
    with pytest.raises(TableError, match="can be 1 or 1000: say which by decimal"):
        read(tmp_path, text)
    table = read(tmp_path, text, decimal=decimal)
    assert table.sizes.tolist() == sizes
    assert table.accuracies.tolist() == [0.41, 0.55, 0.71]


@pytest.mark.parametrize(
    ("cell", "size"), [("1.234.567", 1234567), ("1,234,567", 1234567), ("1.234,5", 1234.5)]
)
def test_numbers_that_can_be_one_only_are_read(tmp_path, cell, size):
    table = read(tmp_path, f"n;acc\n{cell};0,9\n500;0,7\n900;0,8\n")
    assert table.sizes[0] == size


@pytest.mark.parametrize(
    ("cells", "sizes"),
    [
        (("121.171", "250.5", "500"), [121.171, 250.5, 500]),
        (("1.500", "1.234.567", "900"), [1500, 1234567, 900]),
        (("1,500", "0,75", "900"), [1.5, 0.75, 900]),
    ],
)
def test_a_number_that_can_be_one_only_settles_the_others_of_its_column(tmp_path, cells, sizes):
    rows = "\n".join(f"{cell};0,{k}" for k, cell in enumerate(cells, start=7))
    table = read(tmp_path, f"n;acc\n{rows}\n".replace("0,", "0," if "," in cells[0] else "."))
    assert table.sizes.tolist() == sizes


def test_two_decimal_marks_are_refused(tmp_path):
    with pytest.raises(TableError, match="decimal points and decimal commas"):
        read(tmp_path, "n;acc\n500;0,80\n2000;0.865\n8000;0,90\n")


def test_a_decimal_comma_between_commas_gets_advice(tmp_path):
    with pytest.raises(TableError, match="separate cells by semicolons"):
        read(tmp_path, "n,acc\n500,0,80\n2000,0,865\n8000,0,90\n")


# What is something else


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n,test error\n500,.2\n2000,.135\n8000,.1\n", "'test error' is an error rate"),
        ("n,error rate\n500,.2\n2000,.135\n8000,.1\n", "'error rate' is an error rate"),
        ("n,log_loss\n500,.9\n2000,.7\n8000,.4\n", "'log_loss' is a loss"),
        ("n,cross-entropy\n500,.9\n2000,.7\n8000,.4\n", "is a loss"),
        ("n,rmse\n500,.9\n2000,.7\n8000,.4\n", "is a loss"),
        ("metric,500,2000,8000\nerror,.2,.1,.05\n", "'error' is an error rate"),
        ("foo,bar\n500,.8\n2000,.86\n8000,.9\n", "headings are 'foo', 'bar'"),
        ("n,samples,acc\n500,1,.8\n2000,2,.86\n8000,3,.9\n", "several columns could be the amount"),
        (
            "n,acc,auc\n500,.8,.7\n2000,.86,.8\n8000,.9,.9\n",
            "several columns could be the accuracy",
        ),
        (
            "learner,n,acc\nA,500,.8\nA,2000,.86\nB,500,.7\nB,2000,.8\n",
            "several curves, by column 'learner'",
        ),
        (
            "dataset,n,acc\n1,500,.8\n1,2000,.86\n2,500,.7\n2,2000,.8\n",
            "may hold several curves, by column 'dataset'",
        ),
        ("n,acc\n500,good\n2000,.86\n8000,.9\n", "line 2: accuracy must be a number; got 'good'"),
        ("n,acc\n5m,.8\n2000,.86\n8000,.9\n", "amount of data must be a number; got '5m'"),
        ("n,acc\n1.000k,.8\n2k,.86\n8k,.9\n", "'1.000k' can be 1k or 1000k"),
        ("n,acc\n500,0.9012(34)\n2000,.93\n8000,.95\n", "must be a number"),
        ("train_size,acc\n.1,.8\n.5,.86\n1,.9\n", "at most 1, as shares of a training set are"),
        ("n,acc,acc\n,mean,std\n500,.8,.01\n2000,.86,.01\n", "lines 1 to 2 are 2 headings"),
        ("n,acc\n500,.8\n2000,.86\n8000,.9\n16000\n", "line 5 must have 2 cells.*; got 1$"),
        ("n,acc\n500,.8\n2000,.86\n8000,.9,so\n", "line 4 must have 2 cells.*; got 3$"),
        ("n,acc\n1_000,.8\n2000,.86\n8000,.9\n", "must be a number"),
        ("n,acc\n５００,.8\n2000,.86\n8000,.9\n", "must be a number"),
        ("n,acc\n1e999,.8\n2000,.86\n8000,.9\n", "must be finite"),
        ("n,acc\n,.8\n2000,.86\n8000,.9\n", "line 2: amount of data is missing"),
        ("n,acc\n500,.8,1\n2000,.86\n8000,.9\n", "line 2 must have 2 cells like the others"),
        ("log10(n),acc\n2.7,.80\n3.3,.865\n3.9,.90\n", "is the logarithm of an amount"),
        ("log2_samples,acc\n9,.80\n11,.865\n13,.90\n", "is the logarithm of an amount"),
        ("fraction of data,acc\n.05,.80\n.2,.865\n.8,.90\n", "is a share: give amounts"),
        ("data %,acc\n5,.80\n20,.865\n80,.90\n", "is a share: give amounts"),
        ("data,acc\n5%,.80\n20%,.865\n80%,.90\n", "are shares, by their percent signs"),
        ("n,1-acc\n500,.2\n2000,.135\n8000,.1\n", "'1-acc' is an error rate"),
        ("n,100 - accuracy\n500,20\n2000,13\n8000,1\n", "'100 - accuracy' is an error rate"),
        ("n,accuracy gain\n500,.1\n2000,.2\n8000,.25\n", "'accuracy gain' is a difference"),
        ("n,delta acc\n500,.1\n2000,.05\n8000,.02\n", "'delta acc' is a difference"),
        ("n,top-1 acc,top-5 acc\n500,.8,.9\n2000,.86,.95\n8000,.9,.97\n", "could be the accuracy"),
        ("n,acc_class0,acc_class1\n500,.8,.5\n2000,.86,.6\n8000,.9,.7\n", "could be the accuracy"),
        ("n,acc\n500,80%\n2000,0.865\n8000,90%\n", "percent signs everywhere, or nowhere"),
        ("n,acc (%)\n500,.80\n2000,.865\n8000,.90\n", "take the signs away"),
        ("n,acc\n500,.80%\n2000,.865%\n8000,.90%\n", "take the signs away"),
        ("n,acc\n", "no rows of numbers below its heading"),
        (
            "n,acc,std,count\n500,.8,.01,0\n2000,.86,.01,5\n8000,.9,.01,5\n",
            "number of runs, column 'count'",
        ),
        (
            "n,split,acc\n500,train,1\n500,test,.8\n2000,train,1\n2000,test,.86\n",
            "training data beside others, by column 'split'",
        ),
        (
            "n,run,acc\n500,1,.8\n500,std,.01\n2000,1,.86\n2000,std,.01\n",
            "means or spreads beside runs, by column 'run'",
        ),
        ("500,.99,.80\n2000,.98,.865\n8000,.97,.90\n", "columns 2 and 3 could both be"),
        (".2,.8\n.3,.86\n.4,.9\n", "no heading that says which column"),
        ("", "holds no rows"),
        ("n,logit acc\n500,.8\n2000,.86\n8000,.9\n", "say which column it is"),
        ("n,log accuracy\n500,-.3\n2000,-.2\n8000,-.1\n", "say which column it is"),
        ("seed,0,1,2\nn,,,\n500,.7,.71,.72\n2000,.8,.81,.82\n", "line 2 is a second heading"),
        ("n,epoch,acc\n5,1,.7\n5,2,.8\n9,1,.8\n9,2,.9\n", "several curves, by column 'epoch'"),
        ("# nothing\n", "holds no rows"),
        ("just words\n", "no heading names"),
        ("one\ntwo\nthree\n", "holds no table"),
        ("PK\x03\x04 and so on", "spreadsheet"),
        ("%PDF-1.7", "PDF"),
        ("n,acc\n500,.8\0\n", "is not text"),
    ],
)
def test_what_is_no_table_of_accuracies_is_refused_with_the_reason(tmp_path, text, message):
    with pytest.raises(TableError, match=message):
        read(tmp_path, text)


def test_several_curves_are_told_apart_by_where(tmp_path):
    text = "learner,id,n,acc\nA,1,500,.8\nA,1,2000,.865\nA,1,8000,.9\nB,1,500,.7\nB,1,2000,.8\n"
    table = read(tmp_path, text, columns={"where": {"learner": "A", "id": 1}})
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN
    with pytest.raises(TableError, match="no row has the value"):
        read(tmp_path, text, columns={"where": {"learner": "C"}})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": {"sise": "n"}}, "columns.sise is not known"),
        ({"columns": {"size": "m"}}, "columns.size, 'm', is the heading of no column"),
        ({"columns": {"size": 3}}, "columns.size must be from 1 to 2"),
        ({"columns": {"where": "A"}}, "columns.where must be a mapping"),
        ({"decimal": "x"}, "decimal must be"),
    ],
)
def test_what_is_said_wrongly_about_columns_is_refused(tmp_path, options, message):
    with pytest.raises(TableError, match=message):
        read(tmp_path, "n,acc\n500,.80\n2000,.865\n8000,.90\n", **options)


# Bounds


def test_special_files_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/zero"), Path("/dev/stdin"), tmp_path / "pipe", tmp_path):
        with pytest.raises(TableError, match="not a regular file"):
            read_curve_table(path)


def test_large_files_are_refused_without_being_read(tmp_path):
    path = tmp_path / "points.csv"
    with path.open("wb") as file:
        file.truncate(120_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TableError, match="larger than 5 MB"):
        read_curve_table(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kilobytes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n,acc\n" + "1,1\n" * 150_000, "at most 100,000 rows"),
        ("n,acc\n" + "1,1\n" * 900_000, "at most 100,000 rows"),
        (",".join(map(str, range(1000, 5000))) + "\n" + ",".join(["1"] * 4000), "2,000 columns"),
        ("n,acc\n" + "9" * 130_000 + ",.8\n2,.86\n3,.9\n", "must be a number; got '9999"),
    ],
)
def test_what_is_too_much_is_refused_with_a_short_message(tmp_path, text, message):
    with pytest.raises(TableError, match=message) as caught:
        read(tmp_path, text)
    assert len(str(caught.value)) < 400


def test_control_characters_are_shown_as_text(tmp_path):
    with pytest.raises(TableError, match=r"\\x1b\[31m") as caught:
        read(tmp_path, "foo\x1b[31m,bar\n500,.8\n2000,.86\n8000,.9\n")
    assert "\x1b" not in str(caught.value)
    path = tmp_path / "a\n\x1b[2J.csv"
    path.write_text("x")
    with pytest.raises(TableError) as caught:
        read_curve_table(path)
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n",
        "user,password\nroot,hunter2\nadmin,letmein\nguest,hunter2\n",
        "-----BEGIN KEY-----\nhunter2 abc\n-----END KEY-----\n",
        "hunter2 secret words\nand more hunter2 words\nand still hunter2 words\n",
    ],
)
def test_content_of_other_files_is_not_repeated(tmp_path, text):
    with pytest.raises(TableError) as caught:
        read(tmp_path, text)
    said = str(caught.value).replace(str(tmp_path), "")
    assert not [w for w in ("root", "hunter2", "daemon", "password", "secret") if w in said]


# Errors, whatever they are called

ERRORS = np.array([0.02, 0.01, 0.006])


def with_errors(heading, errors=("0.02", "0.01", "0.006")):
    rows = zip(("500,0.80", "2000,0.865", "8000,0.90"), errors, strict=True)
    return f"n,acc,{heading}\n" + "".join(f"{row},{error}\n" for row, error in rows)


@pytest.mark.parametrize(
    ("heading", "times"),
    [
        *((it, 1.959964) for it in ("CI 95%", "CI (95%)", "CI 95 %", "CI_95%", "± (95%)")),
        ("confidence interval 95%", 1.959964),
        ("CI 68%", 0.994458),
        ("CI 68", 0.994458),
        ("50% CI", 0.674490),
        ("CI 99.9%", 3.290527),
        ("std*2", 2),
        ("std x2", 2),
        *(
            (it, 1)
            for it in ("acc std", "accuracy_std", "std of acc", "test std", "standard error")
        ),
    ],
)
def test_levels_and_multiples_in_headings_of_errors(tmp_path, heading, times):
    table = read(tmp_path, with_errors(heading))
    np.testing.assert_allclose(table.errors, ERRORS / times, rtol=1e-5)
    assert not any("percent" in text for text in table.said)


@pytest.mark.parametrize("heading", ["std (x100)", "std (1e-2)", "std [10^-2]"])
def test_errors_in_a_unit_of_their_own_are_refused(tmp_path, heading):
    with pytest.raises(TableError, match="give errors in the unit of accuracies"):
        read(tmp_path, with_errors(heading))


@pytest.mark.parametrize(
    "text",
    [
        *(with_errors(it) for it in ("time_std", "f1_std", "baseline std", "sd(n)", "SE (bp)")),
        "n,loss,std,acc\n500,1,.1,.80\n2000,.5,.1,.865\n8000,.3,.1,.90\n",
        "n,acc,loss,std\n500,.80,1,.1\n2000,.865,.5,.1\n8000,.90,.3,.1\n",
        "n,time (s),std,acc\n500,1,.1,.80\n2000,.5,.1,.865\n8000,.3,.1,.90\n",
    ],
)
def test_spreads_of_something_else_are_not_errors_of_the_accuracy(tmp_path, text):
    table = read(tmp_path, text)
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN
    assert table.errors is None
    assert any(it.startswith("Not used: ") for it in table.said)


@pytest.mark.parametrize("heading", ["test acc (train acc)", "acc (F1)", "acc (min)", "acc"])
def test_what_else_stands_in_brackets_is_no_error(tmp_path, heading):
    text = f"n,{heading}\n500,0.80 (0.99)\n2000,0.865 (0.98)\n8000,0.90 (0.97)\n"
    with pytest.raises(TableError, match=r"accuracy must be a number; got '0.80 \(0.99\)'"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("first", "second"), [("acc A", "acc B"), ("val acc", "test acc"), ("acc", "F1")]
)
def test_rows_of_several_curves_are_refused(tmp_path, first, second):
    text = f"n,500,2000,8000\n{first},.80,.865,.90\n{second},.5,.6,.7\n"
    with pytest.raises(TableError, match="several curves"):
        read(tmp_path, text)


def test_labels_of_rows_say_percent_as_headings_do(tmp_path):
    shares = read(tmp_path, "n,500,2000,8000\nacc,.80,.865,.90\nstd (%),2,1,.6\n")
    assert not shares.percent
    np.testing.assert_allclose(shares.errors, ERRORS)
    table = read(tmp_path, "n,500,2000,8000\nacc (%),80,86.5,90\nstd (%),2,1,.6\n")
    assert table.percent
    np.testing.assert_allclose(table.errors, 100 * ERRORS)


@pytest.mark.parametrize(
    "heading",
    [
        "Datens\u00e4tze (Millionen)",
        "n (x100)",
        "n ('000)",
        "n (000s)",
        "n (mill.)",
        "samples (bn)",
        "n (lakh)",
        "size in GB",
    ],
)
def test_further_units_of_amounts_are_remarked(tmp_path, heading):
    table = read(tmp_path, f"{heading},acc\n10,.80\n20,.865\n80,.90\n")
    assert any("taken as they stand" in line for line in table.said)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *(
            (f"n,{it}\n500,.8\n2000,.865\n8000,.9\n", "no heading names the accuracy")
            for it in ("non-accuracy", "accuracy p-value", "acc vs baseline", "majority acc")
        ),
        ("n,training accuracy\n500,.8\n2000,.865\n8000,.9\n", "is of the training data"),
        ("n (base 2 exponent),acc\n5,.8\n6,.865\n7,.9\n", "is the logarithm of an amount"),
        ("n,acc (%),std\n500,80,.01\n2000,86.5,.005\n8000,90,.003\n", "Give them signs, too"),
        ('{"n": 500, "acc": 0.8}\n{"n": 2000, "acc": 0.865}\n', "is JSON: save the table as CSV"),
        ("n,acc\n500,.8\n2000,inf\n8000,.9\n", "line 3: accuracy must be finite; got 'inf'"),
    ],
)
def test_what_is_not_so_is_said_so(tmp_path, text, message):
    with pytest.raises(TableError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ('n,acc\n"1,500",0.80\n"12,000",0.865\n"1,200,000",0.90\n', [1500, 12_000, 1_200_000]),
        ("n;acc\n1.500;0,80\n12.000;0,865\n1.200.000;0,90\n", [1500, 12_000, 1_200_000]),
        ("n,acc,comment\n500,.80,first\n2000,.865,\n8000,.90,best\n", PLAIN[0]),
        ("n,acc\n500,0.80*\n2000,0.865**\n8000,0.90†\n", PLAIN[0]),
        ('n,acc\n="500",0.80\n="2000",0.865\n="8000",0.90\n', PLAIN[0]),
        ("n,acc\n'500',0.80\n'2000',0.865\n'8000',0.90\n", PLAIN[0]),
        ("n,acc\n10^2,0.80\n2^9,0.865\n1.5×10^3,0.90\n", [100, 512, 1500]),
        (
            "n & acc \\\\\n$10^2$ & .8 \\\\\n$2\\cdot 10^3$ & .865 \\\\\n$10^{4}$ & .9\\\\\n",
            [100, 2000, 1e4],
        ),
        ("n,acc\n(samples),(share)\n500,0.80\n2000,0.865\n8000,0.90\n", PLAIN[0]),
        ("n,acc\n500,0.80\n2000,0.865\n8000,0.90\nSource: own, 2024\n", PLAIN[0]),
        ("n,acc\n500,0.80 # first\n2000,0.865\n8000,0.90\n", PLAIN[0]),
        (
            (
                "┌───────┬──────────────┐\n│   n   │     acc      │\n│ int64 │ decimal(4,3) │\n"
                "├───────┼──────────────┤\n│   500 │        0.800 │\n│  2000 │        0.865 │\n"
                "│  8000 │        0.900 │\n├───────┴──────────────┤\n│ 3 rows     2 columns │\n"
                "└──────────────────────┘\n"
            ),
            PLAIN[0],
        ),
        ("n;acc\n500;0,80\n900;<NA>\n950;n.a.\n2000;0,865\n8000;0,90\n", PLAIN[0]),
    ],
)
def test_what_can_be_one_thing_only_is_read(tmp_path, text, sizes):
    table = read(tmp_path, text)
    known = ~np.isnan(table.accuracies)
    assert table.sizes[known].tolist() == sizes
    assert table.accuracies[known].tolist() == PLAIN[1]
    assert table.errors is None


@pytest.mark.parametrize("heading", ["confidence", "mean confidence", "random forest acc"])
def test_words_that_mean_something_else_here(tmp_path, heading):
    both = "500,.80,.7\n2000,.865,.8\n8000,.90,.9\n"
    if heading.endswith("acc"):
        table = read(tmp_path, f"n,{heading},depth\n" + both)
    else:
        table = read(tmp_path, f"n,acc,{heading}\n" + both)
    assert table.accuracies.tolist() == PLAIN[1]
    assert table.errors is None


@pytest.mark.parametrize(
    "text",
    [
        "% of data,acc\n10,.8\n50,.865\n100,.9\n",
        "n/N,acc\n10,.8\n50,.865\n100,.9\n",
        "n & acc \\\\\n100 & 0.6 \\\\\n200 & 0.7\\textsuperscript{1} \\\\\n400 & 0.8 \\\\\n",
        "n & acc (\\%) \\\\\n100 & 60\\textsubscript{1} \\\\\n200 & 70\\textsubscript{1} \\\\\n",
        "n,acc@1,acc@5\n100,.6,.8\n200,.7,.85\n400,.8,.9\n",
        *(
            f"{head},100,200,400\n{one},.6,.7,.8\n{two},.7,.8,.9\n"
            for head in ("", "id", "run")
            for one, two in (
                ("LogReg", "RandomForest"), ("Top-1", "Top-5"), ("1", "avg"), ("median", "iqr"),
                ("min", "max"),
            )
        ),
        "n acc\n1 200 0.6\n2 500 0.7\n5 800 0.8\n",
        *(
            f"{head},n,acc\n{one},100,.6\n{one},200,.7\n{one},400,.8\n{two},100,.5\n"
            f"{two},200,.6\n{two},400,.7\n"
            for head, one, two in (
                ("split", "val", "test"), ("state", "CA", "NY"), ("trial", "ResNet", "ViT"),
                ("run", "1", "avg"),
            )
        ),
    ],
)  # fmt: skip
def test_what_tells_curves_apart_or_is_no_amount_is_refused(tmp_path, text):
    with pytest.raises(TableError):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("heading", "times"),
    [
        ("top5 acc std", 1),
        ("acc5 se", 1),
        ("acc of 5 sd", 1),
        ("CI (10 runs)", 1.959964),
        ("10-seed 95% CI", 1.959964),
        ("Std.-Abw.", 1),
        ("\u00e9cart-type", 1),
    ],
)
def test_numbers_in_headings_of_errors_that_are_no_multiples(tmp_path, heading, times):
    name = "top5 acc" if "top5" in heading else "acc5" if "acc5" in heading else "acc"
    table = read(tmp_path, with_errors(heading).replace("n,acc,", f"n,{name},", 1))
    np.testing.assert_allclose(table.errors, ERRORS / times, rtol=1e-5)


def test_powers_set_as_superscripts_and_amounts_of_parts(tmp_path):
    rows = "".join(f"10\\textsuperscript{{{k}}} & 0.{k + 4} \\\\\n" for k in (2, 3, 4))
    assert read(tmp_path, "n & acc \\\\\n" + rows).sizes.tolist() == [100, 1000, 10_000]
    table = read(tmp_path, "images per class,acc\n1,.6\n5,.7\n20,.8\n")
    assert any("images per class: costs must be, too" in text for text in table.said)
