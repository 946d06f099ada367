"""What a column of measurements holds, by its heading."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from statistics import NormalDist

__all__ = [
    "amount_of", "are_repeats", "are_runs", "deviations_of", "has_own_unit", "is_of", "is_signed",
    "is_standard_error", "is_test", "is_train", "role_of", "scale_of", "tokens",
]  # fmt: skip


def _folded(text: str) -> str:
    """Lower case without accents: they are often left out."""
    apart = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in apart if not unicodedata.combining(c))


def _words(text: str) -> frozenset[str]:
    """Words of headings; of other languages those of English, German, Spanish, French and more."""
    return frozenset(_folded(text).split())


LOSSES = _words(
    "loss logloss entropy crossentropy nll rmse mse mae perplexity brier deviance verlust perte"
    " pérdida perdita perda verlies потери 损失 損失"
)
ERROR_RATES = _words(
    "error err errors errorrate misclassification misclassified fehler fehlerrate fehlerquote wer"
    " erreur erreurs errore erro fout foutpercentage ошибка ошибки ошибок 错误率 錯誤率"
    " 誤り率 エラー率"
)
SPREADS = _words(
    "std sd se sem stderr stdev stddev deviation sigma uncertainty errorbar ci stdabw"
    " standardabweichung streuung écart desviación deviazione desvio standaardafwijking"
    " отклонение 标准差 標準偏差 標準差 σ"
)
BOUNDS = _words("low lower lo lwr high upper hi upr")
#: What numbers tell apart that are no runs.
TOLD_APART = _words("top class model layer task site client party hospital group method learner")
#: What rows say that sum up others.
SUMMARIES = _words("mean avg average mittel median min max std sd se sem iqr all total sum overall")
DIFFERENCES = _words(
    "gain delta diff difference change drop improvement lift increase decrease vs versus minus"
)
LOGARITHMS = _words("log ln log2 log10 lg exponent")
#: Of what else accuracies are beside a model's own, and what is no accuracy in spite of the word.
REFERENCES = _words("majority baseline chance dummy guessing non pvalue")
COMMENTS = _words("comment comments note notes remark remarks bemerkung bemerkungen kommentar")
PERCENTS = _words(
    "percent percentage pct prozent pourcent pourcentage porcentaje porcentagem percentuale"
    " percento procent процент процентов процентах 百分比"
)
SHARES = _words("fraction frac share proportion ratio anteil") | PERCENTS
TIMES = _words(
    "time times seconds sec ms minutes date duration timestamp epoch epochs var variance fit memory"
)
RUNS = _words("run seed fold split repeat rep repetition trial cv iteration replicate state draw")
COUNTS = _words("count counts runs seeds repeats repetitions splits folds trials reps")
ACCURACIES = _words(
    "accuracy accuracies acc score scores auc auroc f1 performance genauigkeit correct precision"
    " recall quality trefferquote treffergenauigkeit exactitude précision exactitud precisión"
    " accuratezza precisione acurácia exatidão precisão nauwkeurigheid точность 准确率 准确度"
    " dokładność noggrannhet träffsäkerhet nøjagtighed doğruluk 정확도 正确率"
    " 準確率 正確率 精度 正解率 精确率"
)
SIZES = _words(
    "size sizes n data samples sample records record rows examples instances points images"
    " patients cases observations obs anchor amount trainsize ntrain nsamples labels documents"
    " umfang daten anzahl größe groesse trainingsgröße trainingsgroesse trainingsdaten datenmenge"
    " stichprobe stichproben stichprobengröße stichprobenumfang datensätze beispiele proben"
    " taille échantillon échantillons données exemples effectif tamaño muestra muestras datos"
    " ejemplos dimensione campione campioni dati esempi tamanho amostra amostras dados exemplos"
    " grootte omvang aantal voorbeelden steekproef gegevens размер выборка выборки объём примеров"
    " образцов 样本 样本数 样本量 数据量 训练集大小 樣本 樣本數 數據量 サンプル数 データ数 データ量"
    " 件数 標本数 próbek próby liczebność stickprov datamängd stikprøve örneklem veri 샘플 표본"
    " 데이터"
)
#: What is counted, or has a size, and is no data: a batch, a model, its parts.
NO_DATA = _words(
    "batch model image hidden layer layers window kernel vocabulary vocab embedding classes"
    " features estimators trees neurons parameters params neighbors clusters components"
)
INDICES = _words("index idx id unnamed row nr no")
TESTS = _words(
    "test testing val valid validation dev holdout heldout prueba prova teste 测试 測試 テスト 検証"
)
TRAINS = _words(
    "train training entraînement entrenamiento addestramento treinamento treino обучения обучающей"
    " 训练 訓練 学習"
)

#: Words of languages that put no blanks between words.
UNSPACED = tuple(
    word
    for words in (LOSSES, ERROR_RATES, SPREADS, PERCENTS, ACCURACIES, SIZES, TESTS, TRAINS)
    for word in sorted(words)
    if re.match("[\u1100-\u11ff\u3040-\u30ff\u4e00-\u9fff]", word)
)

#: SCALES: words of a heading by which its amounts are not counted one by one; and powers of ten.
SCALES = _words(
    "hundred hundreds thousand thousands million millions k m mio millionen millones milioni"
    " milhões tsd tausend milliers miles migliaia milhares duizend тыс 千 万 mill bn g"
    " lakh lakhs crore dozen dozens kb mb gb tb 000 100 1000 10000 100000 1000000"
)
POWERS = r"10\s*(?:\^|\*\*)\s*\{?\+?\d+\}?|1[eE]\+?\d+|10[\u00b2\u00b3\u2070-\u2079]+"


def tokens(heading: str) -> tuple[str, ...]:
    """The words of a heading in lower case, numbers among them.

    Examples
    --------
    >>> tokens("split0_test_score"), tokens("nTrain (records)")
    (('split', '0', 'test', 'score'), ('n', 'train', 'records'))
    """
    apart = _folded(re.sub(r"([a-z])([A-Z])", r"\1 \2", heading))
    if not apart.isascii():
        apart = " ".join([apart, *(word for word in UNSPACED if word in apart)])
    return tuple(
        word if word in ("f1", "top1") else part
        for word in re.findall(r"[^\W_]+", apart)
        for part in ([word] if word in ("f1", "top1") else re.findall(r"\d+|[^\W\d_]+", word))
    )


def scale_of(heading: str) -> str:
    """What a heading says that its amounts are counted in; empty if one by one.

    Examples
    --------
    >>> [scale_of(it) for it in ("n", "n (thousands)", "n in Tsd.", "samples [10^3]", "n / 1000")]
    ['', 'thousands', 'tsd', '10^3', '1000']
    """
    power = re.search(POWERS, heading)
    return power[0] if power else min(SCALES & set(tokens(heading)), default="")


def role_of(heading: str) -> str:
    """What a heading says that its column holds.

    Returns
    -------
    str
        ``size``, ``accuracy``, ``error`` (of the accuracy), ``error rate``, ``loss``,
        ``difference`` (of accuracies), ``log size``, ``size share``, ``count``, ``run``, ``index``,
        ``other`` (known, and not needed) or nothing if it is not known.

    Examples
    --------
    >>> [role_of(it) for it in ("train_size", "test acc", "std", "log-loss", "error rate", "depth")]
    ['size', 'accuracy', 'error', 'loss', 'error rate', '']
    """
    words = tokens(heading)
    known = set(words)
    joined = " ".join(words)
    if known & LOSSES:
        return "loss"
    of_accuracy = known & ACCURACIES
    if known & BOUNDS and not known & SIZES:
        return "other"
    if known & COMMENTS or (of_accuracy and (known & REFERENCES or {"p", "value"} <= known)):
        return "other"
    if of_accuracy and known & (LOGARITHMS | {"logit"}):
        return ""
    if of_accuracy and known & DIFFERENCES:
        return "difference"
    if of_accuracy and re.match(
        r"\s*(1|100)(\.0*)?\s*%?\s*[-\u2212\u2013]", heading
    ):  # 1 - accuracy
        return "error rate"
    beside = heading.strip().startswith("\u00b1")
    beside |= any(it in joined for it in ("error bar", "standard error", "confidence interval"))
    if known & SPREADS or beside:
        return "error"
    if known & ERROR_RATES:
        return "error" if of_accuracy else "error rate"
    if known & TIMES:
        return "other"
    if of_accuracy or known == {"mean"} or "top1" in known:
        return "accuracy"
    if known & COUNTS:
        return "count"
    if known & RUNS:
        return "run"
    if known & NO_DATA and known & SIZES <= {"n", "size", "sizes"}:
        return ""
    if re.search(r"/\s*(N|N_?total|total|full|all)\b", heading) and known & SIZES:
        return "size share"
    if known & SIZES or known == {"training", "set"} or known == {"training"}:
        if known & TESTS:
            return "other"
        if known & LOGARITHMS:
            return "log size"
        return "size share" if known & SHARES or "%" in heading else "size"
    if not words or known & INDICES:
        return "index"
    return ""


def are_runs(labels: Sequence[str]) -> bool:
    """Whether labels are numbers of runs, letters, or differ by a number alone.

    Examples
    --------
    >>> are_runs(("fold 1", "fold 2")), are_runs(("a", "b")), are_runs(("ResNet", "ViT"))
    (True, True, False)
    >>> are_runs(("1", "2", "avg"))
    False
    """
    words = [tuple(word for word in tokens(it) if not word.isdigit()) for it in labels]
    if any(set(it) & (SUMMARIES | TOLD_APART) for it in words):
        return False
    return len(set(words)) == 1 or all(len("".join(it)) <= 1 for it in words)


def is_test(heading: str) -> bool:
    """Whether a heading speaks of data that were held out."""
    return bool(set(tokens(heading)) & TESTS)


def is_train(heading: str) -> bool:
    """Whether a heading speaks of the training data, and not of others."""
    return bool(set(tokens(heading)) & TRAINS) and not is_test(heading)


def deviations_of(heading: str) -> float:
    """How many standard deviations a column of spreads holds, by its heading.

    Of a confidence interval it holds half the width, that of a normal law at the level that is
    said, or 95 percent; the whole width if the heading says so.

    Examples
    --------
    >>> [round(deviations_of(it), 3) for it in ("std", "2*std", "\N{PLUS-MINUS SIGN}1.96 SE")]
    [1.0, 2.0, 1.96]
    >>> [round(deviations_of(it), 3) for it in ("ci95", "CI (90%)", "95% ci width", "std x2")]
    [1.96, 1.645, 3.92, 2.0]
    """
    words = tokens(heading)
    stated = re.search(r"(?<![\d.])(\d{2}(?:[.,]\d+)?)\s*%", heading)
    if {"ci", "confidence"} & set(words) or stated:
        stated = stated or re.search(r"(?<![\d.])([5-9]\d(?:[.,]\d+)?)", heading)
        level = float(stated[1].replace(",", ".")) if stated else 95.0
        whole = 2 if "width" in words and "half" not in words else 1
        return whole * NormalDist().inv_cdf(0.5 + level / 200)
    unit = "(?:std|sd|se|sem|sigma|standard|\N{GREEK SMALL LETTER SIGMA})"
    number, times = r"(\d+(?:\.\d+)?)", r"[*x\N{MULTIPLICATION SIGN}]"
    # A number within a heading is one of something else, without a sign of multiplication.
    found = re.search(
        rf"(?:^|[\u00b1(+-])\s*{number}\s*{unit}|{number}\s*{times}\s*{unit}"
        rf"|{unit}[a-z ]*{times}\s*{number}",
        heading.lower(),
    )
    several = float(found[1] or found[2] or found[3]) if found else 1.0
    return several if several > 0 else 1


def is_signed(heading: str) -> bool:
    """Whether a heading says percent; behind a number it is a level of confidence.

    Examples
    --------
    >>> [is_signed(it) for it in ("acc (%)", "Prozent", "CI 95%", "95 % CI in %")]
    [True, True, False, True]
    """
    text = re.sub(r"\d\s*%", "", heading)
    return "%" in text or bool(PERCENTS & set(tokens(text)))


def has_own_unit(heading: str) -> bool:
    """Whether a heading of errors says a unit that is none of accuracy's.

    Examples
    --------
    >>> [has_own_unit(it) for it in ("std", "std (x100)", "SE [10^-2]", "SE (bp)", "2*std")]
    [False, True, True, True, False]
    """
    odd = r"[x*\u00d7]\s*\d{2,}|1e[-+]?\d|10\s*(\^|\*\*)|\bbps?\b|\u2030|per ?mille"
    return bool(re.search(odd, heading.lower()))


def is_of(heading: str, measured: str) -> bool:
    """Whether a column of spreads, by its heading, is not of something else than another column.

    Examples
    --------
    >>> [is_of(it, "test acc") for it in ("std", "accuracy_std", "f1_std", "time std", "sd(n)")]
    [True, True, False, False, False]
    """
    words, own = set(tokens(heading)), set(tokens(measured))
    same = _words("acc accuracy accuracies correct")
    named = words & ACCURACIES
    if named - own and not (named <= same and own & same):
        return False
    plain = SPREADS | ERROR_RATES | RUNS | COUNTS | PERCENTS | TESTS | TRAINS | ACCURACIES | own
    plain |= _words("abw abweichung type tipica estandar padrao standaard")
    plain |= _words(
        "confidence in of the over mean means bar bars standard interval half width x level and e s"
    )
    return all(word.isdigit() or word in plain for word in words)


def is_standard_error(heading: str) -> bool:
    """Whether a heading speaks of errors of means, and not of how far single runs vary."""
    words = tokens(heading)
    return bool({"se", "sem", "stderr"} & set(words)) or "standard error" in " ".join(words)


def are_repeats(headings: Sequence[str]) -> bool:
    """Whether columns differ by the number of a run, and not by that of a class or a model.

    Examples
    --------
    >>> are_repeats(("split0_test_score", "split1_test_score")), are_repeats(("acc", "acc.1"))
    (True, True)
    >>> are_repeats(("top-1 accuracy", "top-5 accuracy")), are_repeats(("acc_class0", "acc_class1"))
    (False, False)
    """
    if any("@" in it for it in headings):
        return False
    words = {tuple(word for word in tokens(it) if not word.isdigit()) for it in headings}
    known = ACCURACIES | RUNS | COUNTS | TESTS | {"mean", "percent", "pct"}
    return len(words) == 1 and set(next(iter(words))) <= known


def amount_of(heading: str) -> str:
    """The number in a heading that is an amount of data, as text; empty if it is none.

    Examples
    --------
    >>> [amount_of(it) for it in ("500", "n=2e3", "8,000 samples", "10k", "run 3", "accuracy")]
    ['500', '2e3', '8,000', '10k', '', '']
    """
    number = r"\d[\d.,\u00a0\u202f\u2009']*(?:[eE]\+?\d+|[ ]?[kKM]\b)?"
    found = re.fullmatch(rf"\s*([^\W\d][\w ]*?)?[ _=:]*({number})\s*(\w[\w ]*)?", heading)
    if not found:
        return ""
    words = set(tokens(found[1] or "")) | set(tokens(found[3] or ""))
    return found[2] if words <= SIZES | TRAINS else ""
