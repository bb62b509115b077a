// Draws every chart of the page from the specification beside it, in the theme the page is shown in.
const ELEMENTS = "[data-chart]";

function themeName() {
  return document.documentElement.classList.contains("dark") ? "dark" : "light";
}

async function draw(element) {
  const chart = JSON.parse(document.getElementById(element.dataset.chart).textContent);
  const theme = themeName();
  if (element.dataset.theme === theme) return;
  element.dataset.theme = theme;
  // ast: expressions are interpreted, not evaluated; the page's security policy stays strict.
  await window.vegaEmbed(element, chart.spec, {
    ast: true,
    actions: false,
    renderer: "svg",
    config: chart.themes[theme],
    tooltip: { theme },
  });
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
