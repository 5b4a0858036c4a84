// Draws every <… data-chart="ID" data-unit="UNIT"> of a page from the option in
// <script type="application/json" id="ID">. Needs ECharts; without it the tables beside stay.
(function () {
  "use strict";
  const UNITS = {
    usd: (value) => (value < 0 ? "-$" : "$") + amount(Math.abs(value), small(value) ? 4 : 2),
    percent: (value) => (value * 100).toFixed(Math.abs(value) < 0.1 ? 1 : 0) + " %",
    hours: (value) => amount(value, 1) + " h",
    seconds: (value) => (Math.abs(value) < 60 ? amount(value, 1) + " s" : amount(value / 60, 1) + " min"),
    tokens: compact,
  };
  const PALETTE = ["#4269d0", "#efb118", "#3ca951", "#ff725c", "#a463f2", "#6cc5b0", "#9c6b4e", "#97bbf5"];

  function small(value) {
    return value !== 0 && Math.abs(value) < 1;
  }
  function amount(value, decimals) {
    return value.toLocaleString("en-US", { maximumFractionDigits: decimals, minimumFractionDigits: 0 });
  }
  function compact(value) {
    return Math.abs(value) < 10000
      ? amount(value, 0)
      : value.toLocaleString("en-US", { notation: "compact", maximumSignificantDigits: 3 });
  }
  function text(format, value) {
    const last = Array.isArray(value) ? value[value.length - 1] : value;
    return typeof last === "number" ? format(last) : "—";
  }

  function dressed(option, unit) {
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim() || "#222";
    const rule = style.getPropertyValue("--rule").trim() || "#ddd";
    const ground = style.getPropertyValue("--ground").trim() || "#fff";
    const format = UNITS[unit] || ((value) => amount(value, 2));
    const axis = (given) => ({
      ...given,
      axisLabel: {
        color: ink,
        ...(given.type === "value" ? { formatter: format } : { width: 180, overflow: "truncate" }),
      },
      axisLine: { lineStyle: { color: rule } },
      splitLine: { lineStyle: { color: rule }, ...given.splitLine },
    });
    return {
      color: PALETTE,
      textStyle: { color: ink, fontFamily: getComputedStyle(document.body).fontFamily },
      ...option,
      tooltip: {
        ...option.tooltip,
        valueFormatter: (value) => text(format, value),
        backgroundColor: ground,
        borderColor: rule,
        textStyle: { color: ink },
      },
      legend: option.legend && { ...option.legend, textStyle: { color: ink } },
      xAxis: axis(option.xAxis),
      yAxis: axis(option.yAxis),
    };
  }

  function draw(place) {
    const option = JSON.parse(document.getElementById(place.dataset.chart).textContent);
    const drawn = echarts.getInstanceByDom(place) || echarts.init(place, null, { renderer: "svg" });
    drawn.setOption(dressed(option, place.dataset.unit), true);
    place.dataset.drawn = "true";
    return drawn;
  }

  if (!window.echarts) return;
  const places = [...document.querySelectorAll("[data-chart]")];
  const redraw = () => places.forEach(draw);
  const root = document.documentElement;
  root.classList.add("draws");
  redraw();
  window.addEventListener("resize", () => places.forEach((place) => draw(place).resize()));
  window.addEventListener("beforeprint", () => { root.dataset.theme = "light"; redraw(); });
  window.addEventListener("afterprint", () => { delete root.dataset.theme; redraw(); });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
})();
