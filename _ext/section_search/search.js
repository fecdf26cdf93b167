// Finds sections of the course. `courseSearch(query)` returns them, best first; the rest of this file shows them.
"use strict";

(() => {
  // What people type, and what the course calls it. Both sides are lower case.
  const SYNONYMS = {
    nll: "negative log-likelihood", "log loss": "binary cross-entropy log_loss", logloss: "log_loss cross-entropy",
    "logistic loss": "binary cross-entropy softplus", "softmax loss": "categorical cross-entropy",
    mse: "squared error brier", bce: "binary cross-entropy", cce: "categorical cross-entropy", ce: "cross-entropy",
    xent: "cross-entropy", kl: "kullback-leibler divergence", ppl: "perplexity", bpc: "bits per character",
    bpb: "bits per byte", ece: "expected calibration error", lse: "log-sum-exp logsumexp", nans: "nan",
    to_categorical: "one-hot one_hot", onehot: "one-hot one_hot", lr: "learning rate", auc: "roc",
    "not decreasing": "stuck", "does not decrease": "stuck", "doesn't decrease": "stuck", imbalanced: "imbalance class weights",
    overconfident: "over-confident calibration", multilabel: "several labels", "multi-label": "several labels",
    crossentropy: "cross-entropy", "sigmoid or softmax": "one class or several which call",
    fp16: "float16", half: "float16", bf16: "bfloat16", amp: "autocast mixed precision", unbalanced: "imbalance class weights",
  };
  const COMMON = new Set(("a an and are as at be but by can do does for from has have how i in is it its my not of on " +
    "or so than that the their then there this to was what when which why with you your").split(" "));

  // Numbers stay whole, powers of ten are rounded (1.19e-07 and 1.1921e-7 are one); names with underscores or capitals inside are found by their parts too.
  function tokenize(text) {
    const tokens = [];
    const rounded = text.replace(/\d(?:\.\d+)?e[+-]?\d+/gi, number => Number(number).toPrecision(2));
    for (const word of rounded.match(/\d+(?:\.\d+)?(?:e[+-]?\d+)?|[\p{L}_][\p{L}\p{N}_]*/giu) || []) {
      tokens.push(word);
      const parts = word.replace(/(\p{Ll})(\p{Lu})/gu, "$1_$2").split("_").filter(part => part.length > 1);
      if (parts.length > 1) tokens.push(...parts);
    }
    return tokens;
  }
  const processTerm = term => {
    const lower = term.toLowerCase();
    return COMMON.has(lower) ? null : lower.length > 4 ? lower.replace(/(?<!s)s$/, "") : lower;
  };

  let index;
  function build() {
    index = new MiniSearch({ fields: ["title", "page", "text"], idField: "url", tokenize, processTerm,
      storeFields: ["title", "page", "text"] });
    index.addAll(courseSections.filter((section, i) => courseSections.findIndex(s => s.url === section.url) === i));
  }

  const squeeze = text => text.toLowerCase().replace(/[^\p{L}\p{N}.]+/gu, " ").trim();

  // How much of the query stands in the section as it was typed: the whole, or pairs of words.
  function closeness(text, query) {
    const words = squeeze(query).split(" ");
    if (words.length < 2) return 1;
    const squeezed = ` ${squeeze(text)} `;
    if (squeezed.includes(` ${words.join(" ")} `)) return 3;
    const pairs = words.slice(1).map((word, i) => ` ${words[i]} ${word} `);
    return 1 + 2 * pairs.filter(pair => squeezed.includes(pair)).length / pairs.length;
  }

  window.courseSearch = function (query) {
    if (!index) build();
    const plain = query.toLowerCase();
    const also = Object.keys(SYNONYMS).filter(name => ` ${squeeze(plain)} `.includes(` ${squeeze(name)} `));
    const options = {
      boost: { title: 3, page: 1.5 }, combineWith: "OR",
      prefix: (term, i, terms) => /^\d+\.\d\d/.test(term) || (i === terms.length - 1 && /^\D{3}/.test(term)),
      fuzzy: term => /\d/.test(term) || term.length < 5 ? false : term.length < 7 ? 1 : 2,
    };
    const queries = [query, ...also.map(name => ({ queries: [SYNONYMS[name]], combineWith: "OR" }))];
    const terms = new Set(tokenize(query).map(processTerm).filter(Boolean));
    return index.search({ combineWith: "OR", queries }, options)
      .map(hit => {
        const known = [...terms].filter(term => hit.queryTerms.includes(term)).length;
        const share = terms.size ? known / terms.size : 1;
        const weight = hit.title.startsWith("Solution") ? 0.7 : 1;
        return { ...hit, share, score: weight * hit.score * share ** 2 * closeness(`${hit.title} ${hit.text}`, query) };
      })
      .filter(hit => hit.share >= 0.5 || also.length)
      .sort((a, b) => b.score - a.score);
  };

  const input = document.getElementById("section-query");
  if (!input) return;
  const list = document.getElementById("section-results"), count = document.getElementById("section-count");

  // A piece of the text around the first place where most of the words stand together.
  function excerpt(hit) {
    const text = hit.text, words = hit.terms.filter(term => term.length > 1);
    const places = words.flatMap(word => {
      const found = [], lower = text.toLowerCase();
      for (let at = lower.indexOf(word); at >= 0 && found.length < 20; at = lower.indexOf(word, at + 1)) found.push(at);
      return found;
    }).sort((a, b) => a - b);
    let best = places[0] || 0, most = 0;
    for (const start of places) {
      const here = places.filter(at => at >= start && at < start + 180).length;
      if (here > most) [best, most] = [start, here];
    }
    const from = Math.max(0, best - 40), start = from && text.indexOf(" ", from) + 1;
    const piece = document.createElement("p");
    const cut = text.slice(start, start + 240);
    const pattern = words.map(word => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).sort((a, b) => b.length - a.length).join("|");
    let last = 0;
    for (const match of pattern ? cut.matchAll(new RegExp(pattern, "gi")) : []) {
      piece.append(cut.slice(last, match.index));
      const mark = document.createElement("mark");
      mark.textContent = match[0];
      piece.append(mark);
      last = match.index + match[0].length;
    }
    piece.append(cut.slice(last));
    if (start) piece.prepend("… ");
    return piece;
  }

  function show() {
    const query = input.value.trim();
    list.replaceChildren();
    if (!query) { count.textContent = ""; return; }
    const hits = courseSearch(query);
    count.textContent = hits.length ? `${hits.length} section${hits.length > 1 ? "s" : ""} found, the best first.` :
      "Nothing found. Try fewer words, or the number without the rest.";
    for (const hit of hits.slice(0, 20)) {
      const item = document.createElement("li"), link = document.createElement("a"), place = document.createElement("span");
      link.href = hit.id;
      link.textContent = hit.title;
      place.textContent = hit.page === hit.title ? "" : ` – ${hit.page}`;
      item.append(link, place, excerpt(hit));
      list.append(item);
    }
  }

  let waiting;
  input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(show, 150); });
  input.form.addEventListener("submit", event => {
    event.preventDefault();
    history.replaceState(null, "", `?q=${encodeURIComponent(input.value)}`);
    show();
  });
  input.value = new URLSearchParams(location.search).get("q") || "";
  input.focus();
  show();
})();
