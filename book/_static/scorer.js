/* What the search lists first: chapters and what they define, then objects of the library, whose names
   repeat the words of the chapters. Read by Sphinx's searchtools.js. */
var Scorer = {
  score: ([page, , , , score]) => /^book\/(api|map|concordance|verdicts)|^figures\//.test(page) ? score - 12 : score,
  objNameMatch: 8, objPartialMatch: 2, objPrio: {0: 4, 1: 0, 2: -6}, objPrioDefault: 0,
  title: 15, partialTitle: 9, term: 5, partialTerm: 2,
};
