// Draws every chart of the page from the specification beside it, in the theme the page is shown in.
const ELEMENTS = "[data-chart]";

function themeName() {
  return document.documentElement.classList.contains("dark") ? "dark" : "light";
}

async function draw(element) {
  const text = document.getElementById(element.dataset.chart).textContent;
  const theme = themeName();
  if (element.dataset.theme === theme && element.shown === text) return;
  element.dataset.theme = theme;
  element.shown = text;
  const chart = JSON.parse(text);
  // Drawn beside what is shown, then put in its place: a chart that changes does not blink.
  const stage = document.createElement("div");
  stage.className = "h-chart-stage";
  element.append(stage);
  // ast: expressions are interpreted, not evaluated; the page's security policy stays strict.
  await window.vegaEmbed(stage, chart.spec, {
    ast: true,
    actions: false,
    renderer: "svg",
    config: chart.themes[theme],
    tooltip: { theme },
  });
  if (element.shown !== text || element.dataset.theme !== theme) return stage.remove();
  stage.className = "";
  element.replaceChildren(stage);
  element.dataset.drawn = theme;
}

function drawAll() {
  for (const element of document.querySelectorAll(ELEMENTS)) {
    draw(element);
  }
}

drawAll();
new MutationObserver(drawAll).observe(document.documentElement, {
  attributes: true,
  attributeFilter: ["class"],
});
// Said by scripts that put other figures into the page.
document.addEventListener("charts:changed", drawAll);
