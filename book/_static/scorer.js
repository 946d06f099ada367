/* What the search lists first: terms of the glossary, chapters and what they define, then objects of the
   library, whose names repeat the words of the chapters. Read by Sphinx's searchtools.js. */
var Scorer = {
  score: ([page, , anchor, , score]) => {
    if (String(anchor).startsWith("#term-")) return score + 30;
    return /^book\/(api|map|concordance|verdicts|robustness|benchmarks|cluster|reproduce)|^figures\//.test(page) ? score - 12 : score;
  },
  objNameMatch: 8, objPartialMatch: 2, objPrio: {0: 4, 1: 0, 2: -6}, objPrioDefault: 0,
  title: 15, partialTitle: 9, term: 5, partialTerm: 2,
};
