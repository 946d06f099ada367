"""Words of headings of tables, by what they say that a column holds."""

from __future__ import annotations

import re
import unicodedata

__all__ = [
    "ACCURACIES",
    "BOUNDS",
    "COMMENTS",
    "COMPUTED",
    "COSTS",
    "COUNTS",
    "DIFFERENCES",
    "ERROR_RATES",
    "INDICES",
    "KINDS",
    "LABELS",
    "LOGARITHMS",
    "LOSSES",
    "MARGINS",
    "METRICS",
    "NO_DATA",
    "PERCENTS",
    "PERIODS",
    "POWERS",
    "REFERENCES",
    "REMOVED",
    "RUNS",
    "SCALES",
    "SHARES",
    "SIZES",
    "SPREADS",
    "SUMMARIES",
    "TELLING",
    "TESTS",
    "TIMES",
    "TOLD_APART",
    "TRAINS",
    "UNSPACED",
    "VARIANCES",
    "folded",
    "words_of",
]


def folded(text: str) -> str:
    """Lower case without accents: they are often left out."""
    apart = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in apart if not unicodedata.combining(c))


def words_of(text: str) -> frozenset[str]:
    """Words of headings; of other languages those of English, German, Spanish, French and more."""
    return frozenset(folded(text).split())


LOSSES = words_of(
    "loss logloss entropy crossentropy nll rmse mse mae mape perplexity brier deviance verlust"
    " perte r2 pérdida perdita perda verlies потери 损失 損失"
)
ERROR_RATES = words_of(
    "error err errors errorrate misclassification misclassified fehler fehlerrate fehlerquote wer"
    " cer eer erreur erreurs errore erro fout foutpercentage ошибка ошибки ошибок 错误率 錯誤率"
    " 誤り率 エラー率"
)
SPREADS = words_of(
    "std sd se sem stderr stdev stddev deviation sigma uncertainty errorbar ci stdabw"
    " standardabweichung streuung écart desviación deviazione desvio standaardafwijking"
    " отклонение 标准差 標準偏差 標準差 σ"
)
VARIANCES = words_of("var variance varianz varianza varianca")
#: With the word error, a half width of 95 percent.
MARGINS = words_of("margin marge margen margine")
#: What a score is, by these words, is better if it is smaller.
COSTS = words_of(
    "regret risk cost costs hinge fail failed failure failures penalty distance badness"
)
#: What is computed from accuracies, and from amounts, by these words, is neither.
COMPUTED = words_of(
    "rank ranks ranking percentile quantile rescaled standardized inverse reciprocal squared sqrt"
    " root wurzel cubed relative normalized normalised cumulative sum lost neg negated"
)
REMOVED = words_of("removed dropped deleted discarded excluded missing added additional increment")
#: Amounts in a time are speeds.
PERIODS = words_of("s sec secs second seconds min minute minutes h hour hours ms")
#: Numbers in such columns tell curves apart wherever there are several at one size.
TELLING = words_of(
    "lr learning depth layers epoch epochs step steps noise k dropout alpha beta lambda gamma"
    " temperature width momentum decay class classes dataset datasets hospital client site party"
    " batch model learner method task degree order level version hidden units neurons config c"
)
#: Headings of text that names each row.
LABELS = words_of(
    "name created updated started checkpoint sha commit hash path file filename uuid guid url"
    " artifact"
)
#: Headings of what a row measures.
METRICS = words_of(
    "metric metrics measure measured scoring scorer quantity variable statistic stat metrik"
    " kennzahl metrica medida mesure metrique kind name"
)
#: Words behind a stroke after an accuracy that say of what it is.
KINDS = words_of("mean avg average overall set data dataset top top1 percent pct epoch all")
BOUNDS = words_of("low lower lo lwr high upper hi upr")
#: What numbers tell apart that are no runs.
TOLD_APART = words_of("top class model layer task site client party hospital group method learner")
#: What rows say that sum up others.
SUMMARIES = words_of(
    "mean avg average mittel median min max std sd se sem iqr all total sum overall"
)
DIFFERENCES = words_of(
    "gain delta diff difference change drop improvement lift increase decrease vs versus minus"
    " gap deficit shortfall residual excess uplift δ"
)
LOGARITHMS = words_of("log ln log2 log10 lg exponent")
#: Of what else accuracies are beside a model's own, and what is no accuracy in spite of the word.
REFERENCES = words_of("majority baseline chance dummy guessing non pvalue")
COMMENTS = words_of("comment comments note notes remark remarks bemerkung bemerkungen kommentar")
PERCENTS = words_of(
    "percent percentage pct prozent pourcent pourcentage porcentaje porcentagem percentuale"
    " percento procent процент процентов процентах 百分比"
)
SHARES = words_of("fraction frac share proportion ratio anteil") | PERCENTS
TIMES = words_of(
    "time times seconds sec ms minutes date duration timestamp epoch epochs fit memory throughput"
    " created updated started ended modified runtime"
)
RUNS = words_of(
    "run seed fold split repeat rep repetition trial cv iteration replicate state draw replica"
    " replication resample bootstrap rng wdh wiederholung lauf durchlauf"
)
COUNTS = words_of("count counts runs seeds repeats repetitions splits folds trials reps")
ACCURACIES = words_of(
    "accuracy accuracies acc score scores auc auroc f1 performance genauigkeit correct precision"
    " recall quality trefferquote treffergenauigkeit exactitude précision exactitud precisión"
    " accuratezza precisione acurácia exatidão precisão nauwkeurigheid точность 准确率 准确度"
    " dokładność noggrannhet träffsäkerhet nøjagtighed doğruluk 정확도 正确率"
    " 準確率 正確率 精度 正解率 精确率"
)
SIZES = words_of(
    "size sizes n num nobs data samples sample records record rows examples instances points images"
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
NO_DATA = words_of(
    "batch model image hidden layer layers window kernel vocabulary vocab embedding classes"
    " features estimators trees neurons parameters params neighbors clusters components context"
    " file step steps patch gpu gpus cpu cpus iter iters iterations bits bit clients workers nodes"
    " filters channels heads blocks rounds prompt"
)
INDICES = words_of("index idx id unnamed row nr no")
TESTS = words_of(
    "test testing eval evaluation val valid validation dev holdout heldout prueba"
    " prova teste 测试 測試 テスト 検証"
)
TRAINS = words_of(
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
SCALES = words_of(
    "hundred hundreds thousand thousands million millions k m mio millionen millones milioni"
    " milhões tsd tausend milliers miles migliaia milhares duizend тыс 千 万 mill bn g"
    " billion billions billones mrd milliarde milliarden miliardi milliards"
    " lakh lakhs crore dozen dozens"
    " kb mb gb tb 000 100 1000 10000 100000 1000000"
)
POWERS = r"10\s*(?:\^|\*\*)\s*\{?\+?\d+\}?|1[eE]\+?\d+|10[\u00b2\u00b3\u2070-\u2079]+"
