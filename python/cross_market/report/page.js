"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const words = read("words");
  const plots = read("plots");
  const languages = ["en", "zh"];
  const answers = new Map();
  const columns = (query) => {
    if (!answers.has(query)) answers.set(query, read(`data-${query}`).columns);
    return answers.get(query);
  };
  let language = document.documentElement.lang;

  const word = (key, values) => {
    const found = words[key];
    const text = found ? found[languages.indexOf(language)] : key.slice(key.indexOf(".") + 1);
    return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all));
  };
  const amount = (value) =>
    value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

  // The same views of columns as in plots.py.
  const views = {
    col: (values) => values,
    time: (values) => values.map((value) => (value === null ? null : value / 1e6)),
    // A line goes on until its last bucket ends.
    until: (from, until) => [...from, ...until.slice(-1)].map((value) => value / 1e6),
    held: (values) => [...values, ...values.slice(-1)],
    ends: (...pieces) => pieces.map((piece) => (piece[0] === null ? null : piece[0] / 1e6)),
    thrice: (values) => values.flatMap((value) => [value / 1e6, value / 1e6, null]),
    span: (low, high) => low.flatMap((value, at) => [value, high[at], null]),
    rows: (...pieces) => pieces[0].map((_, at) => pieces.map((piece) => piece[at])),
    bin: (values) => values.map((value) => (value + 0.5) / plots.bins_per_decade - 6),
    money: (values) => values.map(amount),
    day: (values) => values.map(String),
  };
  const view = (name, given) => {
    if (name === "pick") {
      const [query, column, places] = given;
      return places.map((at) => columns(query)[column][at]);
    }
    const [query, ...rest] = given;
    const [first, end] = rest.slice(-2);
    return views[name](...rest.slice(0, -2).map((each) => columns(query)[each].slice(first, end)));
  };
  const filled = (spec) => {
    if (Array.isArray(spec)) return spec.map(filled);
    if (spec === null || typeof spec !== "object") return spec;
    const mark = Object.keys(spec).find((key) => key.startsWith("$"));
    if (mark === undefined) {
      return Object.fromEntries(Object.entries(spec).map(([key, each]) => [key, filled(each)]));
    }
    if (mark === "$word") return word(spec.$word, {});
    if (mark === "$text") return spec.$text.map(filled).join("");
    return view(mark.slice(1), spec[mark]);
  };

  Plotly.register({
    moduleType: "locale",
    name: "zh",
    dictionary: {
      "Autoscale": "自动缩放",
      "Download plot as a PNG": "下载图片（PNG）",
      "Download plot as a png": "下载图片（PNG）",
      "Double-click to zoom back out": "双击恢复",
      "Double-click on legend to isolate one trace": "双击图例只看该项",
      "Pan": "平移",
      "Reset axes": "重置",
      "Zoom": "缩放",
      "Zoom in": "放大",
      "Zoom out": "缩小",
      "Snapshot succeeded": "已保存",
      "Taking snapshot - this may take a few seconds": "正在生成图片",
    },
    format: {
      days: ["星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"],
      shortDays: ["周日", "周一", "周二", "周三", "周四", "周五", "周六"],
      months: ["1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"],
      shortMonths: ["1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"],
      date: "%Y-%m-%d",
    },
  });

  const draw = (plot) => {
    const node = document.getElementById(plot.id);
    return Plotly.react(node, filled(plot.data), filled(plot.layout), {
      displaylogo: false,
      responsive: true,
      locale: language,
      // Only what runs over time is worth zooming into.
      displayModeBar: plot.layout.hovermode === "closest" ? false : "hover",
      toImageButtonOptions: { filename: plot.id },
    });
  };

  const speak = (chosen) => {
    language = chosen;
    document.documentElement.lang = chosen;
    for (const node of document.querySelectorAll("[data-w]")) {
      node.textContent = word(node.dataset.w, node.dataset);
    }
    for (const button of document.querySelectorAll("[data-lang]")) {
      button.setAttribute("aria-pressed", String(button.dataset.lang === chosen));
    }
    document.title = `${plots.heading} · ${word("title", {})} · cross_market`;
    document.body.dataset.drawn = "no";
    // One after the other: the page can be read while the rest is drawn.
    const next = (at) => {
      if (language !== chosen) return;
      if (at === plots.panels.length) {
        document.body.dataset.drawn = chosen;
        return;
      }
      const node = document.getElementById(plots.panels[at].id);
      if (node.data) Plotly.purge(node);
      draw(plots.panels[at]).then(() => setTimeout(() => next(at + 1)));
    };
    next(0);
  };

  const asked = () => languages.find((each) => location.hash === `#${each}`);
  for (const button of document.querySelectorAll("[data-lang]")) {
    button.addEventListener("click", () => {
      history.replaceState(null, "", `#${button.dataset.lang}`);
      speak(button.dataset.lang);
    });
  }
  window.addEventListener("hashchange", () => {
    if (asked() && asked() !== language) speak(asked());
  });
  // Paper has its own width, and the print does not wait for what is drawn later.
  const fit = (width) => {
    for (const plot of plots.panels) {
      const node = document.getElementById(plot.id);
      if (node.data) Plotly.relayout(node, width ? { width: node.clientWidth } : { width: null });
    }
  };
  window.addEventListener("beforeprint", () => {
    document.body.classList.add("printing");
    fit(true);
  });
  window.addEventListener("afterprint", () => {
    document.body.classList.remove("printing");
    fit(false);
  });
  speak(asked() || language);
})();
