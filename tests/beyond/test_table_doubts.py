"""Tables of measurements in which something could be taken for something else."""

import time

import numpy as np
import pytest

from paid_with_models.beyond.curve_tables import read_curve_table
from paid_with_models.beyond.table_text import TableError

PLAIN = [500.0, 2000.0, 8000.0], [0.80, 0.865, 0.90]
CURVE = tuple(zip((500, 2000, 8000), (0.80, 0.865, 0.90), strict=True))


def read(tmp_path, text, **options):
    path = tmp_path / "points.csv"
    path.write_text(text)
    return read_curve_table(path, **options)


def refused(tmp_path, text, message, **options):
    with pytest.raises(TableError, match=message) as caught:
        read(tmp_path, text, **options)
    assert len(str(caught.value).replace(str(tmp_path), "")) < 400


def plain(heading):
    """A table of two columns below this heading."""
    return f"{heading}\n500,.80\n2000,.865\n8000,.90\n"


def beside(heading, cells, first="n,acc"):
    """A table with one more column."""
    rows = [f"{n},{a},{c}\n" for (n, a), c in zip(CURVE, cells, strict=True)]
    return f"{first},{heading}\n" + "".join(rows)


# Curves told apart by numbers


def crossed(heading, values, *, seeds=True):
    lines = [f"n,{heading},seed,acc"] if seeds else [f"n,{heading},acc"]
    for n in (500, 2000, 8000):
        for value in values:
            runs = (",0", ",1") if seeds else ("",)
            lines += [f"{n},{value}{run},.8" for run in runs]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "heading",
    [
        "depth",
        "lr",
        "class",
        "epoch",
        "step",
        "hospital_id",
        "dataset_id",
        "client_id",
        "foo",
        "id",
    ],
)
def test_numbers_beside_runs_that_tell_curves_apart_are_refused(tmp_path, heading):
    text = crossed(heading, (2, 8))
    refused(tmp_path, text, f"several curves, by column '{heading}'")
    assert read(tmp_path, text, columns={"where": {heading: 2}}).sizes.size == 6
    uneven = crossed(heading, (2, 8), seeds=False) + "8000,8,.91\n"
    refused(tmp_path, uneven, f"several curves, by column '{heading}'")


@pytest.mark.parametrize(
    "text",
    [
        "n,epoch,val_acc\n500,1,.6\n500,2,.7\n2000,1,.7\n2000,2,.8\n2000,3,.81\n8000,1,.9\n",
        "n,lr,acc\n500,.1,.6\n500,.01,.7\n2000,.1,.7\n2000,.001,.8\n8000,.1,.9\n",
        "id,n,acc\n1,500,.6\n,2000,.7\n,8000,.8\n2,500,.7\n,2000,.8\n,8000,.9\n",
        "n,trial,lr,acc\n500,1,.1,.8\n500,2,.01,.81\n2000,1,.2,.85\n2000,2,.03,.9\n",
        "n,pretrained,acc\n500,yes,.6\n500,,.7\n2000,yes,.7\n2000,,.8\n8000,,.9\n",
    ],
)
def test_uneven_or_merged_columns_tell_curves_apart(tmp_path, text):
    refused(tmp_path, text, "several curves, by column")


@pytest.mark.parametrize(
    "heading", ["seed", "run", "fold", "rep", "trial", "split", "random_state"]
)
def test_runs_by_name_and_other_measurements_are_no_curves(tmp_path, heading):
    text = f"n,{heading},acc,loss,f2,fit_time\n"
    text += "".join(f"{n},{k},{a},.{k},.{k}{n},{k}\n" for n, a in CURVE for k in (1, 2))
    table = read(tmp_path, text)
    assert table.sizes.size == 6
    assert f"Not used: '{heading}', 'loss', 'f2', 'fit_time'." in table.said


@pytest.mark.parametrize("heading", ["Name", "created_at", "git_sha", "checkpoint", "run_id"])
def test_names_of_rows_tell_no_curves_apart(tmp_path, heading):
    table = read(tmp_path, beside(heading, ("ab1", "cd2", "ef3")))
    assert table.sizes.tolist() == PLAIN[0]
    assert f"Not used: '{heading}'." in table.said
    if heading != "created_at":
        refused(tmp_path, crossed(heading, ("xx", "yy")), "several curves")


@pytest.mark.parametrize(
    "heading",
    ["lr", "n_layers", "max_depth", "k", "noise", "class", "hospital_id", "epoch", "foo"],
)
@pytest.mark.parametrize("values", [(1, 2), (0.1, 0.01)])
def test_labels_of_rows_that_are_no_runs_are_refused(tmp_path, heading, values):
    text = "{},500,2000,8000\n{},.8,.86,.9\n{},.7,.8,.85\n"
    refused(tmp_path, text.format(heading, *values), "several curves")


@pytest.mark.parametrize(
    "labels",
    [("width 64", "width 128"), ("depth=1", "depth=2"), ("#64", "#128"), ("lr .1", "lr .2")],
)
@pytest.mark.parametrize("heading", ["", "n", "id"])
def test_labels_that_differ_by_numbers_of_something_else_are_refused(tmp_path, heading, labels):
    text = "{},500,2000,8000\n{},.8,.86,.9\n{},.7,.8,.85\n"
    refused(tmp_path, text.format(heading, *labels), "several curves")


@pytest.mark.parametrize(
    ("heading", "values"),
    [
        ("seed", (42, 7)),
        ("", ("run 3", "run 7")),
        ("", ("#1", "#2")),
        ("", ("acc 1", "acc 2")),
        ("run", (1, 2)),
        ("", (0, 1)),
        ("", (1, 2)),
        ("fold", (3, 5)),
        ("n", (1, 2)),
    ],
)
def test_labels_of_runs_are_runs(tmp_path, heading, values):
    text = "{},500,2000,8000\n{},.8,.86,.9\n{},.7,.8,.85\n"
    assert read(tmp_path, text.format(heading, *values)).sizes.size == 6


# What cells say


@pytest.mark.parametrize("heading", ["split", "set", "subset", "data", "phase"])
@pytest.mark.parametrize("cell", ["train", "Training set", "TRAIN", "in-sample"])
def test_cells_that_say_training_data_are_heeded(tmp_path, heading, cell):
    refused(tmp_path, beside(heading, [cell] * 3), "training data|several columns could be the am")
    wide = f"{heading},500,2000,8000\n{cell},.8,.86,.9\n"
    refused(tmp_path, wide, "training data|second heading")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("error_rate", "'error_rate' is an error rate"),
        ("log_loss", "'log_loss' is a loss"),
        ("rmse", "'rmse' is a loss"),
        ("accuracy gap", "'accuracy gap' is a difference"),
    ],
)
@pytest.mark.parametrize("heading", ["metric", "measure", "scoring", "metric_name"])
def test_columns_that_name_the_metric_are_heeded(tmp_path, heading, cell, message):
    text = beside(heading, [cell] * 3, "n,score")
    refused(tmp_path, text, message)
    both = text + "".join(f"{n},{a},accuracy\n" for n, a in CURVE)
    refused(tmp_path, both, message, columns={"where": {heading: cell}})
    table = read(tmp_path, both, columns={"where": {heading: "accuracy"}})
    assert table.accuracies.tolist() == PLAIN[1]


# Blocks


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("# ResNet\n", "# ViT\n"),
        ("% a\n", "% b\n"),
        ("", "# ViT\n"),
        ("", "\n\n"),
        ("", "\n"),
        ("", "---\n"),
    ],
)
@pytest.mark.parametrize("head", ["n,acc\n", ""])
def test_blocks_between_comments_are_refused(tmp_path, first, second, head):
    block = "500,.8\n2000,.865\n8000,.9\n"
    for text in (head + first + block + second + block, first + head + block + second + block):
        refused(tmp_path, text, "may hold several curves: line")
    refused(tmp_path, head + first + block + second + block.replace("00,", "01,"), "go over")
    larger = block.replace("00,", "0000,")
    assert read(tmp_path, head + first + block + second + larger).sizes.size == 6
    wide = "500,2000,8000\n" + first + ".8,.86,.9\n" + second + ".7,.8,.9\n"
    refused(tmp_path, wide, "may hold several curves: line")


def test_comments_that_name_runs_divide_no_curves(tmp_path):
    text = "n,acc\n# seed 1\n500,.8\n2000,.9\n8000,.95\n# seed 2\n500,.81\n2000,.9\n"
    assert read(tmp_path, text).sizes.size == 5


def test_rows_of_text_in_latex_divide_curves(tmp_path):
    rows = "500 & .8 \\\\\n2000 & .865 \\\\\n"
    text = "n & acc \\\\\n{}" + rows + "{}" + rows
    head = "\\multicolumn{{2}}{{c}}{{{}}} \\\\\n"
    refused(tmp_path, text.format(head.format("A"), head.format("B")), "several curves: line")


# Comments that are none


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#,n,error rate\n1,500,.2\n2,2000,.1\n3,8000,.05\n", "'error rate' is an error rate"),
        ("#\tn\tlog_loss\n1\t500\t.2\n2\t2000\t.1\n3\t8000\t.05\n", "'log_loss' is a loss"),
        ("#;n;train accuracy\n1;500;.8\n2;2000;.9\n3;8000;.95\n", "is of the training data"),
        ("%;n;error\n1;500;.2\n2;2000;.1\n3;8000;.05\n", "'error' is an error rate"),
        ("% labels,acc\n10,.8\n50,.865\n100,.9\n", "'% labels' is a share"),
        ("% images\tacc\n10\t.8\n50\t.865\n100\t.9\n", "'% images' is a share"),
        ("%n,acc\n10,.8\n50,.865\n100,.9\n", "'%n' is a share"),
        ('"% labels",acc\n10,.8\n50,.865\n100,.9\n', "'% labels' is a share"),
        ("n,acc\n500,.8\n#REF!,.86\n8000,.9\n", "line 3: amount of data is missing"),
        ("n,acc\n500,.8\n#900,.86\n8000,.9\n", "amount of data must be a number; got '#900'"),
        ("n,acc,model\n500,.8,ResNet 50 #a\n500,.7,ResNet 50 #b\n", "several curves"),
        ("n,acc,model\n500,.8,1 #a\n500,.7,1 #b\n900,.8,1 #a\n900,.8,1 #b\n", "several curves"),
        ("model,n,acc\nResNet 50 #a,500,.8\nResNet 50 #b,500,.8\n", "several curves"),
    ],
)
def test_headings_and_rows_that_begin_as_comments_do(tmp_path, text, message):
    refused(tmp_path, text, message)


@pytest.mark.parametrize(
    "text",
    [
        "#,n,acc\n1,500,.80\n2,2000,.865\n3,8000,.90\n",
        "run,n,acc\n#1,500,.80\n#2,2000,.865\n#3,8000,.90\n",
        "n,acc\n500,.80 # first, by me\n2000,.865\n8000,.90\n",
        "n,acc,note\n500,.80,trial #1\n2000,.865,trial #2\n8000,.90,\n",
        "n acc\n500 .80 # first try\n2000 .865\n8000 .90\n",
        "# % of correct answers, by size\nn,acc\n500,.80\n2000,.865\n8000,.90\n",
        "n,acc\n500,.80\n# then, more\n2000,.865\n8000,.90\n",
    ],
)
def test_marks_of_comments_in_tables_are_read(tmp_path, text):
    table = read(tmp_path, text)
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN


@pytest.mark.parametrize("cell", ["#REF!", "#DIV/0!", "#N/A", "#WERT!", "#NAME?"])
def test_errors_of_spreadsheets_are_missing_and_said(tmp_path, cell):
    for text in (
        f"n,acc\n500,.80\n1000,{cell}\n2000,.865\n8000,.90\n",
        f"acc,n\n.80,500\n{cell},1000\n.865,2000\n.90,8000\n",
    ):
        table = read(tmp_path, text)
        assert np.isnan(table.accuracies).tolist() == [False, True, False, False]
        assert "Errors of a spreadsheet are taken as missing: line 3." in table.said


@pytest.mark.parametrize("heading", ["% accuracy,n", "% correct\tn", "%correct,n"])
def test_percent_before_an_accuracy_is_its_unit(tmp_path, heading):
    mark = "\t" if "\t" in heading else ","
    rows = "".join(f"{100 * a}{mark}{n}\n" for n, a in CURVE)
    table = read(tmp_path, f"{heading}\n{rows}")
    assert table.percent
    assert table.sizes.tolist() == PLAIN[0]


# Cells of several lines, lines of several rows


def test_line_breaks_in_quotes_end_no_row(tmp_path):
    refused(tmp_path, plain('"log10\n(samples)",accuracy'), "is the logarithm of an amount")
    refused(tmp_path, plain('n,"error\nrate"'), "is an error rate")
    text = 'n,acc,note\n500,.80,"first\n100,.1,x"\n2000,.865,\n8000,.90,\n'
    assert read(tmp_path, text).sizes.tolist() == PLAIN[0]


@pytest.mark.parametrize(
    "text",
    [
        "n & acc \\\\ 500 & .80 \\\\ 2000 & .865 \\\\ 8000 & .90 \\\\\n",
        "n & acc \\\\\n500 & .80 \\\\ 2000 & .865 \\\\\n8000 & .90 \\\\\n",
        "n & acc \\\\*\n500 & .80 \\\\*\n2000 & .865 \\tabularnewline\n8000 & .90 \\\\\n",
        "n & acc \\\\\n500 &\n.80 \\\\\n2000\n& .865 \\\\\n8000 & \\textbf{.90} \\\\\n",
        "n & acc \\\\ \\hline\n500 & .80 \\\\ % a\n% 7 & 8 \\\\\n2000 & .865 \\\\\n8000 & .90\n",
    ],
)
def test_rows_of_latex_end_where_they_say_so(tmp_path, text):
    table = read(tmp_path, text)
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN


def test_names_of_attributes_are_headings(tmp_path):
    head = "% made\n@RELATION curve\n\n@ATTRIBUTE {} NUMERIC\n@attribute acc numeric\n\n@data\n"
    rows = "500,.80\n2000,.865\n8000,.90\n"
    table = read(tmp_path, head.format("n") + rows)
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN
    refused(tmp_path, head.format("'log n'") + rows, "'log n' is the logarithm")


# Columns of runs


@pytest.mark.parametrize(
    "heads",
    [
        "acc_64,acc_128,acc_256", "acc_0.1,acc_0.5,acc_0.9", "acc_2019,acc_2020,acc_2021",
        "test acc 2015,test acc 2016,test acc 2017", "acc 10%,acc 50%,acc 90%",
        "acc 1%,acc 2%,acc 3%", "64,128,256", "acc_3,acc_4,acc_5",
        "acc 5-fold,acc 10-fold,acc 20-fold",
    ],
)  # fmt: skip
def test_numbers_in_headings_that_count_no_runs_are_refused(tmp_path, heads):
    rows = "".join(f"{n},{a},{a},{a}\n" for n, a in CURVE)
    refused(tmp_path, f"n,{heads}\n{rows}", "several columns could be the accuracy")


@pytest.mark.parametrize(
    "heads",
    ["acc_0,acc_1,acc_2", "acc1,acc2,acc3", "acc,acc.1,acc.2", "acc_seed7,acc_seed42,acc_seed9"],
)
def test_numbers_in_headings_that_count_runs_are_repeats(tmp_path, heads):
    rows = "".join(f"{n},{a},{a},{a}\n" for n, a in CURVE)
    assert read(tmp_path, f"n,{heads}\n{rows}").sizes.size == 9


# Errors


@pytest.mark.parametrize(
    ("low", "high", "width"),
    [
        ("CI 2.5%", "CI 97.5%", 3.919928), ("CI_0.025", "CI_0.975", 3.919928),
        ("CI95-", "CI95+", 3.919928), ("CI 2.5", "CI 97.5", 3.919928), ("ci[0]", "ci[1]", 3.919928),
        ("95% CI", "95% CI", 3.919928), ("95% CI", "", 3.919928),
        ("90% CI", "90% CI", 3.289707), ("CI 5%", "CI 95%", 3.289707),
    ],
)  # fmt: skip
def test_ends_of_intervals_become_errors(tmp_path, low, high, width):
    rows = "".join(f"{n},{a},{a - 0.02},{a + 0.02}\n" for n, a in CURVE)
    table = read(tmp_path, f"n,acc,{low},{high}\n{rows}")
    np.testing.assert_allclose(table.errors, 0.04 / width, rtol=1e-5)
    assert any("ends of" in text for text in table.said)


@pytest.mark.parametrize(
    "text",
    [
        beside("CI 97.5%", (".82", ".88", ".91")),
        "n,acc,95% CI,95% CI\n500,.8,.02,.03\n2000,.86,.02,.03\n8000,.9,.01,.02\n",
        ",500,2000,8000\nacc,.8,.86,.9\n95% CI,.78,.84,.89\n95% CI,.82,.88,.91\n",
    ],
)
def test_intervals_that_are_no_half_widths_are_refused(tmp_path, text):
    refused(tmp_path, text, "interval")


@pytest.mark.parametrize("measure", ["auc", "f1", "balanced accuracy", "accuracy"])
@pytest.mark.parametrize("heading", ["error", "err", "test_error"])
def test_errors_too_large_for_those_of_means_are_ambiguous(tmp_path, measure, heading):
    for cells in ((".3", ".25", ".21"), (".16", ".10", ".08")):
        text = beside(heading, cells, f"n,{measure}")
        refused(tmp_path, text, r"error rate, or how far .* columns: \{error")
        columns = {"size": "n", "accuracy": measure, "error": heading}
        assert read(tmp_path, text, columns=columns).errors is not None
        wide = f",500,2000,8000\n{measure},.8,.865,.9\n{heading},{','.join(cells)}\n"
        refused(tmp_path, wide, "error rate, or how far")


@pytest.mark.parametrize("heading", ["test_error", "val err", "dev error"])
def test_the_error_of_a_set_is_no_standard_error_however_small(tmp_path, heading):
    refused(tmp_path, beside(heading, (".08", ".05", ".03")), "may be an error rate")


@pytest.mark.parametrize("heading", ["sigma^2", "σ²", "variance", "var", "acc_var"])
def test_roots_of_variances_are_errors(tmp_path, heading):
    table = read(tmp_path, beside(heading, (".0004", ".0001", ".0001")))
    np.testing.assert_allclose(table.errors, [0.02, 0.01, 0.01])
    assert any("the root of" in text for text in table.said)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n% &, acc \\\\\n", "holds no rows"),
        ("n,error,acc\n", "holds no rows"),
        (beside("var", ("-.1", ".1", ".1")), "variances must be at least 0"),
    ],
)
def test_what_has_no_root_or_no_rows_is_refused(tmp_path, text, message):
    refused(tmp_path, text, message)


def test_margins_of_error_are_half_widths(tmp_path):
    table = read(tmp_path, beside("margin of error", (".0392", ".0196", ".0196")))
    np.testing.assert_allclose(table.errors, [0.02, 0.01, 0.01], rtol=1e-3)


def test_counts_of_accuracies_are_those_of_runs(tmp_path):
    text = beside("acc_std,acc_count", (".02,4", ".02,4", ".01,4"), "n,acc_mean")
    assert read(tmp_path, text).errors.tolist() == [0.01, 0.01, 0.005]


def test_what_is_not_used_of_a_wide_table_is_said(tmp_path):
    text = "lr,metric,500,2000,8000\n.1,acc,.8,.865,.9\n.1,CI low,.7,.8,.88\n"
    table = read(tmp_path, text)
    assert table.accuracies.tolist() == PLAIN[1]
    assert "Not used: 'lr', row 'CI low'." in table.said


@pytest.mark.parametrize("heading", ["test_count", "count of classes"])
def test_counts_of_something_else_are_no_runs(tmp_path, heading):
    table = read(tmp_path, beside(f"std,{heading}", (".02,4", ".01,4", ".01,4")))
    assert table.errors.tolist() == [0.02, 0.01, 0.01]


# Headings


@pytest.mark.parametrize(
    "heading",
    ["train_samples_per_second", "samples/s", "eval_samples", "test_samples", "Training"],
)
def test_what_else_has_the_word_of_an_amount(tmp_path, heading):
    table = read(tmp_path, f"{heading}," + beside("x", (1, 1, 1)).replace("\n", "\n7,", 3))
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN


@pytest.mark.parametrize(
    "heading",
    [
        "sqrt(n)",
        "samples (2^x)",
        "n/d",
        "n = 2^k",
        "n - 100",
        "samples removed",
        "n^2",
        "1/n",
        "2n",
    ],
)
def test_computed_amounts_are_refused_by_name(tmp_path, heading):
    refused(tmp_path, plain(f"{heading},acc"), "is computed from amounts")


@pytest.mark.parametrize(
    "heading",
    ["context size", "file size", "step size", "patch_size", "n GPUs", "n_iter", "n bits",
     "n_clients", "num_layers"],
)  # fmt: skip
def test_amounts_of_other_things_are_none_of_data(tmp_path, heading):
    refused(tmp_path, plain(f"{heading},acc"), "no heading names the amount of data")
    text = beside(heading, (32, 32, 32))
    assert read(tmp_path, text).sizes.tolist() == PLAIN[0]


@pytest.mark.parametrize(
    ("heading", "message"),
    [
        *((it, "is a difference") for it in ("accuracy gap", "Δ accuracy", "acc deficit")),
        *(
            (it, "is computed from accuracies")
            for it in (
                "acc/max acc", "accuracy rank", "acc^2", "sqrt acc", "acc x 1000", "accuracy*10",
                "accuracy (10^-1)", "score out of 10", "acc (bp)", "1/acc", "-acc",
                "relative accuracy", "precision (mm)", "performance (s)",
            )
        ),
        *(
            (f"{it} score", "is a loss")
            for it in ("regret", "risk", "cost", "hinge", "failure")
        ),
    ],
)  # fmt: skip
def test_what_is_no_accuracy_is_refused_by_name(tmp_path, heading, message):
    refused(tmp_path, plain(f"n,{heading}"), message)


@pytest.mark.parametrize(
    "heading",
    [
        "params.train_size,metrics.accuracy", "num_train,test_acc", "nobs,acc", "n,val/accuracy",
        "n,accuracy/test", "sample_count,acc", "train_sizes,test_mean", "n,eval_accuracy",
    ],
)  # fmt: skip
def test_further_names_are_understood(tmp_path, heading):
    table = read(tmp_path, plain(heading))
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN


def test_means_and_deviations_of_both_sets_are_kept_apart(tmp_path):
    text = "train_sizes,train_mean,train_std,test_mean,test_std\n"
    text += "".join(f"{n},.99,.001,{a},.02\n" for n, a in CURVE)
    table = read(tmp_path, text)
    assert table.accuracies.tolist() == PLAIN[1]
    assert table.errors.tolist() == [0.02] * 3


@pytest.mark.parametrize(
    "heading", ["n (billions)", "n (Mrd.)", "n (x50)", "n per class", "n/class"]
)
def test_more_units_of_amounts_are_remarked(tmp_path, heading):
    table = read(tmp_path, plain(f"{heading},acc"))
    assert any("taken as they stand" in text for text in table.said)


def test_true_is_matched_however_it_is_written(tmp_path):
    for yes, no in (("true", "false"), ("TRUE", "FALSE"), ("True", "False")):
        text = "n,pretrained,acc\n" + "".join(f"{n},{yes},{a}\n{n},{no},.1\n" for n, a in CURVE)
        table = read(tmp_path, text, columns={"where": {"pretrained": True}})
        assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN


# Blanks that can separate thousands


@pytest.mark.parametrize(
    "text",
    [
        "n acc\n1 250 0.71\n2 500 0.75\n3 900 0.8\n",
        "1 250 0.71\n2 500 0.75\n3 900 0.8\n",
    ],
)
def test_names_of_rows_that_can_be_thousands_are_refused(tmp_path, text):
    refused(tmp_path, text, "blanks stand between cells, and perhaps in numbers")


@pytest.mark.parametrize("heading", ["n  test acc", "samples  mean accuracy", "size my score"])
@pytest.mark.parametrize("first", [0, 1])
def test_a_heading_that_blanks_may_have_cut_is_refused(tmp_path, heading, first):
    rows = "".join(f"{first + k}  {n}  {a}\n" for k, (n, a) in enumerate(CURVE))
    message = "blanks stand between cells, and perhaps in headings"
    refused(tmp_path, f"   {heading}\n{rows}", message)


def test_headings_in_quotes_are_not_cut(tmp_path):
    for heading, row in (('"n" "test acc"', '"{}" {} {}'), ("n `test acc`", "{} {} {}")):
        rows = "".join(f"{row.format(k, 10 * n, a)}\n" for k, (n, a) in enumerate(CURVE, start=1))
        table = read(tmp_path, f"{heading}\n{rows}")
        assert table.sizes.tolist() == [10 * n for n, _ in CURVE]
        assert table.accuracies.tolist() == PLAIN[1]


@pytest.mark.parametrize("cell", ['"a=1;b=2"', '"a;b, c"', "runs|x", '"x\ty"', "a;b"])
def test_what_separates_words_in_cells_does_not_separate_cells(tmp_path, cell):
    rows = "".join(f"{n},{a},{cell}\n" for n, a in CURVE)
    table = read(tmp_path, f"n,acc,params\n{rows}")
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN


@pytest.mark.parametrize(
    "text",
    [
        "n,acc\n# A\n100,.61\n200,.68\n400,.74\n# B\n150,.8\n300,.85\n600,.9\n",
        "n,acc\n# A\n1000,.61\n2000,.68\n# B\n10,.8\n30,.85\n",
        "n acc\n100 .61\n200 .68\n400 .74\n\n\n150 .8\n300 .85\n600 .9\n",
    ],
)
def test_blocks_that_go_over_the_same_amounts_are_several_curves(tmp_path, text):
    refused(tmp_path, text, "divides rows that go over the same amounts of data")


def test_blocks_of_one_curve_are_read(tmp_path):
    for between in ("# larger", "", "---"):
        table = read(tmp_path, f"n,acc\n500,.80\n{between}\n2000,.865\n8000,.90\n")
        assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN


def test_amounts_beside_another_measure_need_no_quotes(tmp_path):
    table = read(tmp_path, "n test acc\n1 .5 .61\n2 .6 .68\n3 .7 .74\n4 .75 .8\n")
    assert table.accuracies.tolist() == [0.61, 0.68, 0.74, 0.8]


def test_names_of_rows_that_can_be_nothing_else_are_read(tmp_path):
    for text in (
        "n acc\n1 50 0.71\n2 500 0.75\n3 900 0.8\n",
        "n acc\n0 150 .7\n1 500 .8\n2 900 .9\n",
    ):
        assert read(tmp_path, text).sizes[1:].tolist() == [500, 900]


# Bounds


@pytest.mark.parametrize(
    "text",
    [
        plain("n,acc") + "-" * 200_000 + "x,.5\n",
        plain("n,acc") + "- " * 100_000 + "x,.5\n",
        plain("n" + " " * 100_000 + "!,acc"),
        plain('"n' + " " * 100_000 + '!",acc'),
        plain("n,acc " + "1 " * 10_000 + "!"),
        plain("n,acc " + "1," * 1_900 + "!"),
        plain("n,acc") + "&" * 200_000 + "\n",
        plain("n,acc") + "1 #" * 200_000 + "\n",
        plain("n,acc") + '"' + ',"' * 200_000 + "\n",
        plain("n,acc,note") + "500,.8," + "*a" * 100_000 + "\n",
        plain("n,acc," + "sd 1 x" * 160),
        "n & acc \\\\\n" + "5 & .8\n" * 100_000,
        plain(",".join(["n,acc"] + ["*a sd _" * 140] * 1_000)),
    ],
)  # fmt: skip
def test_long_cells_take_no_long_time(tmp_path, text):
    start = time.process_time()
    with pytest.raises(TableError) as caught:
        read(tmp_path, text)
    assert time.process_time() - start < 5
    assert len(str(caught.value)) < 400


def test_a_long_comment_is_passed_over(tmp_path):
    table = read(tmp_path, "# " + "1 " * 200_000 + "\n" + plain("n,acc"))
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN


def test_a_cell_that_is_too_long_is_named(tmp_path):
    refused(tmp_path, plain("n,acc " + "1 " * 10_000), "line 1 holds a cell of 20,003 characters")


# What a print says of its rows


TIBBLE = "# A tibble: {} × 2\n      n   acc\n  <dbl> <dbl>\n{}"
ROWS = "1   500 0.8\n2  2000 0.865\n3  8000 0.9\n"
SPARK = "+----+----+\n|n   |acc |\n+----+----+\n|500 |0.8 |\n|2000|0.86|\n+----+----+\n"


@pytest.mark.parametrize(
    "text",
    [
        TIBBLE.format(25, f"{ROWS}# ℹ 22 more rows\n"),
        TIBBLE.format(25, ROWS),
        "       n   acc\n  1:    50 0.561\n  2:   100 0.61\n --- \n 21: 1050 0.88\n 22: 1250 0.9\n",
        f"{SPARK}only showing top 3 rows\n",
        "shape: (25, 2)\n| n    | acc  |\n| 500  | 0.8  |\n| 2000 | 0.86 |\n| 8000 | 0.9  |\n",
        "n   | acc\n----+-----\n500 | .8\n2000| .86\n8000| .9\n(25 rows)\n",
    ],
)
def test_a_print_that_says_that_rows_are_missing_is_refused(tmp_path, text):
    refused(tmp_path, text, "holds a part of a table only, by what it says of its rows")


@pytest.mark.parametrize(
    "text",
    [
        TIBBLE.format(3, ROWS),
        "      n   acc\n 1:  500 0.8\n 2: 2000 0.865\n 3: 8000 0.9\n",
        "n   | acc\n----+-----\n500 | .8\n2000| .865\n8000| .9\n(3 rows)\n",
    ],
)
def test_a_print_of_all_rows_is_read(tmp_path, text):
    table = read(tmp_path, text)
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN


def test_headings_that_disagree_about_percent_are_refused(tmp_path):
    rows = "".join(f"{n},{a},{100 * a:g}\n" for n, a in CURVE)
    refused(tmp_path, f"n,acc_1,acc_2 (%)\n{rows}", "percent signs in all of their headings")


def test_errors_that_accuracies_cannot_have_are_refused(tmp_path):
    rows = "".join(f"{n},{a},{0.9 - 0.1 * k:g}\n" for k, (n, a) in enumerate(CURVE))
    refused(tmp_path, f"n,acc,se\n{rows}", "errors reach 0.9, more than accuracies between 0 and 1")


def test_equal_headings_that_pandas_has_numbered_are_repeats(tmp_path):
    table = read(tmp_path, "500,500.1,2000,2000.1,8000,8000.1\n.8,.8,.86,.87,.9,.9\n")
    assert sorted(set(table.sizes.tolist())) == PLAIN[0]


def test_names_of_rows_as_r_numbers_them_need_no_heading(tmp_path):
    rows = "".join(f'"{k}",{n},{a}\n' for k, (n, a) in enumerate(CURVE, start=1))
    table = read(tmp_path, f'"n","acc"\n{rows}')
    assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN


def test_iterations_of_training_are_no_repeats(tmp_path):
    rows = "".join(f"{n},{i},{a}\n" for n, a in CURVE for i in (100, 500, 1000))
    refused(tmp_path, f"n,iteration,acc\n{rows}", "holds several curves, by column 'iteration'")
    rows = "".join(f"{n},{i},{a}\n" for n, a in CURVE for i in (1, 2, 3))
    assert read(tmp_path, f"n,iteration,acc\n{rows}").sizes.size == 9


@pytest.mark.parametrize("heading", ["r2_score", "cer", "mape"])
def test_other_measures_are_no_accuracies(tmp_path, heading):
    rows = "".join(f"{n},{a}\n" for n, a in CURVE)
    with pytest.raises(TableError):
        read(tmp_path, f"n,{heading}\n{rows}")


def test_a_row_is_kept_by_one_value(tmp_path):
    rows = "".join(f"{n},{a}\n" for n, a in CURVE)
    with pytest.raises(TableError, match="where must give one value for 'n'"):
        read(tmp_path, f"n,acc\n{rows}", columns={"where": {"n": [500, 2000]}})


@pytest.mark.parametrize("blank", ["\x0c", "\xa0", "\u2028", "\u3000", "\x0b", "\x85", "\t \t"])
def test_lines_of_any_blank_are_empty(tmp_path, blank):
    for separator in (" ", ",", ";", "\t"):
        rows = "".join(f"{n}{separator}{a}\n" for n, a in CURVE)
        for text in (f"n{separator}acc\n{rows}{blank}", f"{blank}\nn{separator}acc\n{rows}"):
            table = read(tmp_path, text)
            assert (table.sizes.tolist(), table.accuracies.tolist()) == PLAIN


@pytest.mark.parametrize("columns", ["n", [1], 3])
def test_what_is_said_of_columns_is_a_mapping(tmp_path, columns):
    with pytest.raises(TableError, match="columns must be a mapping"):
        read(tmp_path, "n,acc\n1,.5\n2,.6\n3,.7\n", columns=columns)


def test_rows_above_the_heading_are_not_left_out(tmp_path):
    for above in (1, 2):
        rows = [f"{n},{a}\n" for n, a in CURVE]
        rows.insert(above, "n,acc\n")
        refused(tmp_path, "".join(rows), "line 1 holds numbers above the heading: put it above")
