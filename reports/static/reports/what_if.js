// The what-if page: inputs, sliders and resets; the server computes and words everything that is shown.
const page = document.getElementById("what-if");
const DELAY = 180;
const SPOKEN_DELAY = 1200;

// Numbers are written as on the page: commas at the thousands, a point, no trailing zeros.
const written = (number) => Number(number.toPrecision(12)).toLocaleString("en-US", { maximumFractionDigits: 8 });
function read(text) {
  const clean = text.replace(/[\s,]/g, "").replace(/%$/, "");
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(clean) ? Number(clean) : NaN;
}
const isSame = (left, right) => left.trim() === right.trim() || (read(left) === read(right) && !Number.isNaN(read(left)));

// What a field held when the page was made, whatever the browser restored since.
const loaded = (field) => (field.tagName === "SELECT" ? ([...field.options].find((option) => option.defaultSelected) ?? field.options[0]).value : field.defaultValue);

function start(form) {
  const columns = document.getElementById("columns");
  const isWizard = "wizard" in page.dataset;
  const told = document.getElementById("state").textContent;
  const state = document.getElementById("state");
  const spoken = document.getElementById("spoken");
  const resetAll = document.getElementById("reset-all");
  const drivers = [...form.querySelectorAll("[data-driver]")].map((box) => driver(box, form));
  let pending = null;
  let timer = 0;
  let spokenTimer = 0;
  let isLeaving = false;
  const own = [...form.elements].filter((field) => /^[a-z]+-/.test(field.name) && field.name !== "v-change" && !field.name.endsWith("current_step") && !field.closest(".c-input"));

  function refresh() {
    const changed = drivers.filter((one) => one.mark()).length;
    const isDirty = changed > 0 || own.some((field) => field.value !== loaded(field));
    if (!isWizard) state.textContent = changed ? `${changed} unsaved ${changed === 1 ? "change" : "changes"}` : isDirty ? "Unsaved changes" : "Nothing unsaved";
    state.classList.toggle("is-dirty", isDirty && !isWizard);
    if (resetAll) resetAll.hidden = changed === 0;
    for (const group of form.querySelectorAll(".c-group")) {
      const count = group.querySelector("[data-count]");
      if (!count) continue;
      const here = group.querySelectorAll(".c-driver.is-changed").length;
      count.hidden = here === 0;
      count.textContent = `${here} changed`;
    }
    return isDirty;
  }

  function ask(delay = DELAY) {
    refresh();
    clearTimeout(timer);
    timer = setTimeout(fetchFigures, delay);
  }

  async function fetchFigures() {
    pending?.abort();
    const turn = (pending = new AbortController());
    page.classList.add("is-asking");
    try {
      const response = await fetch(page.dataset.figures, { method: "POST", headers: { "X-Look": "yes" }, body: new FormData(form), signal: turn.signal, redirect: "manual" });
      const text = await response.text();
      if (turn !== pending) return;
      receive(response, text);
    } catch (error) {
      if (error.name === "AbortError" || turn !== pending) return;
      say("The server did not answer; the figures are those of the last change it knew. Change something to try again.");
    }
    if (turn === pending) page.classList.remove("is-asking");
  }

  function receive(response, text) {
    const type = response.headers.get("Content-Type") ?? "";
    if (response.ok && type.includes("html")) {
      showErrors([]);
      page.classList.remove("is-stale");
      if (isWizard) state.textContent = told;
      swap(new DOMParser().parseFromString(text, "text/html"));
    } else if (type.includes("problem+json")) {
      page.classList.add("is-stale");
      showErrors(JSON.parse(text).errors);
    } else if (response.type === "opaqueredirect" || response.status === 403) {
      say("You are signed out. Sign in again in another tab, then change something.");
    } else say(`The server answered with error ${response.status}; the figures are those of the last change it knew.`);
  }

  function swap(fresh) {
    if (!columns.querySelector("[data-live=tiles]")) columns.replaceChildren(document.getElementById("inputs"), ...fresh.body.children);
    else {
      for (const part of fresh.querySelectorAll("[data-live]")) {
        const old = page.querySelector(`[data-live="${part.dataset.live}"]`);
        const [before, after] = [old, part].map((each) => each?.querySelector("script[type='application/json']"));
        if (before && after) {
          before.textContent = after.textContent;
          const text = part.querySelector("[data-chart-text]").getAttribute("aria-label");
          old.querySelector("[data-chart-text]").setAttribute("aria-label", text);
        } else old?.replaceChildren(...part.childNodes);
      }
    }
    document.dispatchEvent(new Event("charts:changed"));
    clearTimeout(spokenTimer);
    spokenTimer = setTimeout(() => (spoken.textContent = columns.querySelector("[data-live=spoken]")?.textContent ?? ""), SPOKEN_DELAY);
  }

  function say(sentence) {
    page.classList.add("is-stale");
    state.textContent = sentence;
  }

  function showErrors(errors) {
    form.querySelectorAll("[data-errors]").forEach((box) => box.replaceChildren());
    form.querySelectorAll("[aria-invalid]").forEach((field) => {
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
    });
    const rest = [];
    for (const { pointer, detail } of errors) {
      const name = pointer.slice(2);
      const box = form.querySelector(`[data-errors="${CSS.escape(name)}"]`) ?? form.querySelector(`[data-errors="${CSS.escape(name.replace(/_(low|high)$/, "_kind"))}"]`);
      if (!box) {
        rest.push(detail);
        continue;
      }
      const line = document.createElement("p");
      line.className = "hp-error";
      line.id = `error-${name}`;
      line.textContent = detail;
      box.append(line);
      box.closest("details.c-group")?.setAttribute("open", "");
      if (box.closest("details.c-about")) box.closest("details.c-about").open = true;
      const field = form.elements[name];
      field?.setAttribute("aria-invalid", "true");
      field?.setAttribute("aria-describedby", line.id);
    }
    if (errors.length) {
      state.textContent = `The figures wait: ${rest[0] ?? errors[0].detail}`;
      spoken.textContent = errors.map((each) => each.detail).join(" ");
    }
  }

  form.addEventListener("input", (event) => event.target.name !== "scenario_name" && ask());
  form.addEventListener("change", (event) => event.target.tagName === "SELECT" && event.target.name !== "scenario_kind" && ask(0));
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value === "show") {
      event.preventDefault();
      ask(0);
    }
    isLeaving = event.submitter?.value !== "workbook";
  });
  form.addEventListener("driver:changed", () => ask());
  addEventListener("beforeunload", (event) => !isLeaving && page.dataset.mayRecord === "yes" && refresh() && event.preventDefault());
  resetAll?.addEventListener("click", () => {
    drivers.forEach((one) => one.reset());
    ask(0);
  });
  const vary = document.getElementById("vary");
  if (vary) vary.hidden = false;
  vary?.addEventListener("click", (event) => {
    if (!event.target.dataset.vary) return;
    drivers.forEach((one) => one.vary(Number(event.target.dataset.vary)));
    ask(0);
  });
  // On a phone the inputs come before the charts: only what changes most is unfolded.
  if (matchMedia("(max-width: 1023px)").matches) form.querySelectorAll(".c-group:not([data-group=value])").forEach((group) => (group.open = Boolean(group.querySelector(".is-changed, .hp-error"))));
  // A browser may restore typed text when the page comes back: what is shown then follows the inputs.
  if (refresh() && !form.querySelector(".c-errors .hp-error")) ask(0);
  poll(document.querySelector("[data-poll]"));
}

// One driver: its input, its slider where it has one, its reset, and the two numbers of its distribution.
function driver(box, form) {
  const input = box.querySelector(".c-input input");
  const slider = box.querySelector(".c-slider");
  const was = box.querySelector(".c-was");
  const reset = was?.querySelector(".c-reset");
  const kind = box.querySelector(".c-spread select");
  const [low, high] = box.querySelectorAll(".c-ends input");
  const words = box.querySelector("[data-spread-words]");
  if (reset) reset.hidden = false;

  function follow() {
    const number = read(input.value);
    if (slider && !Number.isNaN(number)) {
      if (number > Number(slider.max)) slider.max = String(number);
      if (number < Number(slider.min)) slider.min = String(number);
      slider.value = String(number);
      slider.setAttribute("aria-valuetext", input.value);
    }
  }
  function mark() {
    const isChanged = !isSame(input.value, box.dataset.base);
    box.classList.toggle("is-changed", isChanged);
    if (was) was.hidden = !isChanged;
    follow();
    if (kind) {
      box.querySelector(".c-ends").hidden = kind.value === "fixed";
      if (words) words.textContent = kind.value === "fixed" ? "About, range" : `${kind.selectedOptions[0].textContent.split(":")[0]}, ${low.value} to ${high.value}`;
      words?.classList.toggle("is-set", kind.value !== "fixed");
    }
    return isChanged;
  }
  function spread(share) {
    const number = read(input.value);
    if (Number.isNaN(number) || number === 0) return false;
    const [least, most] = [number - Math.abs(number) * share, number + Math.abs(number) * share];
    const top = box.querySelector(".c-unit").textContent === "%" ? 100 : Infinity;
    low.value = written(least);
    high.value = written(Math.min(most, top));
    return true;
  }
  if (slider) {
    slider.hidden = slider.disabled = false;
    follow();
    slider.addEventListener("input", (event) => {
      event.stopPropagation();
      input.value = written(Number(slider.value));
      box.dispatchEvent(new Event("driver:changed", { bubbles: true }));
    });
  }
  input.addEventListener("keydown", (event) => {
    if (!["ArrowUp", "ArrowDown"].includes(event.key) || !slider || Number.isNaN(read(input.value))) return;
    event.preventDefault();
    const step = Number(slider.step) * (event.shiftKey ? 10 : 1) * (event.key === "ArrowUp" ? 1 : -1);
    input.value = written(read(input.value) + step);
    box.dispatchEvent(new Event("driver:changed", { bubbles: true }));
  });
  input.addEventListener("blur", () => {
    const number = read(input.value);
    if (slider && !Number.isNaN(number)) input.value = written(number);
  });
  reset?.addEventListener("click", () => {
    input.value = box.dataset.base;
    box.dispatchEvent(new Event("driver:changed", { bubbles: true }));
    input.focus();
  });
  kind?.addEventListener("change", () => kind.value !== "fixed" && !low.value && !high.value && spread(0.2));
  mark();
  return {
    mark,
    reset: () => (input.value = box.dataset.base),
    vary: (share) => kind && (share === 0 ? (kind.value = "fixed") : spread(share) && (kind.value = "uniform")),
  };
}

// A study computed by a worker: asked for until it is there.
async function poll(box) {
  if (!box) return;
  const response = await fetch(box.dataset.poll).catch(() => null);
  if (response?.ok) {
    box.innerHTML = await response.text();
    if (response.headers.get("X-Is-Open") !== "yes") return;
  }
  setTimeout(() => poll(box), 1500);
}

if (page) start(document.getElementById("case"));
