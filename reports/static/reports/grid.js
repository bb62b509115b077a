// The month grid: moves, pastes, marks and saves. The server judges every cell; this only shows what it will read.
const grid = document.getElementById("grid");
document.querySelectorAll("form[data-autosubmit] select, form[data-autosubmit] input[type=checkbox]").forEach((field) =>
  field.addEventListener("change", () => field.form.requestSubmit()),
);
if (grid) start();

function start() {
  const rows = [...grid.querySelectorAll("tbody tr[data-account]")].map((row) => [...row.querySelectorAll("input")]);
  const place = new Map();
  rows.forEach((row, y) => row.forEach((input, x) => place.set(input, [y, x])));
  const heads = [...grid.querySelectorAll("thead th[data-month]")];
  const byId = (id) => document.getElementById(id);
  const [saveButton, revertButton, unsaved, status, errors] = ["save", "revert", "unsaved", "status", "errors"].map(byId);
  const [understood, reason, reasonField] = ["understood", "reason", "reason-field"].map(byId);
  const { decimal, grouping } = grid.dataset;
  const number = numberPattern(decimal, grouping);
  const changed = new Set();
  let isSaving = false;

  function read(text) {
    const clean = text.replace(/[\u00a0\u202f]/g, " ").replace(/’/g, "'").trim();
    if (clean === "" || clean.toLowerCase() === "nil") return { word: "nil" };
    const match = number.exec(clean);
    if (!match) return { error: `“${text}” is not a number as written on this page` };
    const digits = (match[2] ?? match[3]).split(grouping || "\u0000").join("").replace(decimal, ".");
    const minus = match[3] !== undefined || match[1] === "-";
    const [whole, fraction = ""] = digits.split(".");
    if (fraction.replace(/0+$/, "").length > 6) return { error: "at most six decimals are recorded" };
    return { word: `${minus ? "−" : ""}${whole.replace(/^0+(?=\d)/, "") || "0"}${fraction ? "." + fraction : ""}` };
  }

  const isChanged = (input) => input.value !== input.defaultValue;
  const nameOf = (input) => {
    const [y, x] = place.get(input);
    const row = input.closest("tr").querySelector("th");
    return `${row.querySelector("b").textContent}, ${heads[x].dataset.month}`;
  };

  function mark(input) {
    const cell = input.parentElement;
    const different = isChanged(input);
    different ? changed.add(input) : changed.delete(input);
    const answer = different ? read(input.value) : {};
    cell.classList.toggle("is-changed", different);
    cell.classList.remove("is-saved");
    bad(input, answer.error ?? "");
    input.placeholder = different && input.value.trim() === "" && input.dataset.seen ? (input.dataset.seen === "nil" ? "taken back" : "nil") : "";
    cell.classList.toggle("is-nil", input.placeholder !== "");
  }

  function bad(input, sentence) {
    input.parentElement.classList.toggle("is-bad", Boolean(sentence));
    sentence ? input.setAttribute("aria-invalid", "true") : input.removeAttribute("aria-invalid");
    if (!input.readOnly) input.title = sentence;
  }

  function tell(input) {
    const [, x] = place.get(input);
    let text = nameOf(input) + ": ";
    const isBad = input.hasAttribute("aria-invalid");
    if (input.readOnly) text = input.title;
    else if (isBad) text += input.title;
    else if (!isChanged(input)) text += input.value === "" ? "nothing stated" : input.value;
    else if (input.placeholder === "taken back") text += "“nil” will be taken back; the cell counts as missing again";
    else if (input.value.trim() === "" && !input.dataset.seen) text += "nothing stated";
    else if (input.value.trim() === "") text += "cleared — will be recorded as nil: there is none";
    else text += `understood “${input.value}” as ${read(input.value).word}`;
    if (!input.readOnly && heads[x].dataset.state === "closed" && isChanged(input)) text += input.dataset.seen ? " (closed month: a restatement)" : " (closed month: a late entry)";
    understood.textContent = text;
    understood.classList.toggle("is-bad", isBad);
  }

  function refresh() {
    const count = changed.size;
    saveButton.disabled = isSaving || count === 0;
    revertButton.disabled = isSaving || count === 0;
    unsaved.hidden = count === 0;
    unsaved.textContent = `● ${count} unsaved ${count === 1 ? "change" : "changes"}`;
    reasonField.hidden = ![...changed].some((input) => input.dataset.seen && heads[place.get(input)[1]].dataset.state === "closed");
  }

  function say(text, tone = "") {
    status.textContent = text;
    status.className = tone;
  }

  function go(input, dy, dx) {
    const [y, x] = place.get(input);
    const target = rows[y + dy]?.[x + dx];
    if (!target) return false;
    target.focus();
    target.select();
    return true;
  }

  grid.addEventListener("focusin", (event) => place.has(event.target) && tell(event.target));
  grid.addEventListener("input", (event) => {
    mark(event.target);
    tell(event.target);
    refresh();
  });

  grid.addEventListener("keydown", (event) => {
    const input = event.target;
    if (!place.has(input) || event.isComposing) return;
    const atStart = input.selectionStart === 0;
    const atEnd = input.selectionEnd === input.value.length;
    const isWhole = atStart && atEnd;
    const moves = {
      Enter: () => go(input, event.shiftKey ? -1 : 1, 0),
      ArrowDown: () => go(input, 1, 0),
      ArrowUp: () => go(input, -1, 0),
      ArrowLeft: () => (isWhole || (atStart && input.selectionEnd === 0)) && !event.shiftKey && go(input, 0, -1),
      ArrowRight: () => (isWhole || (atEnd && input.selectionStart === input.value.length)) && !event.shiftKey && go(input, 0, 1),
      Escape: () => {
        input.value = input.defaultValue;
        mark(input);
        tell(input);
        refresh();
        return true;
      },
    };
    if (!event.ctrlKey && !event.metaKey && !event.altKey && moves[event.key]?.()) event.preventDefault();
  });

  grid.addEventListener("paste", (event) => {
    const input = event.target;
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!place.has(input) || !/[\t\n\r]/.test(text)) return;
    event.preventDefault();
    paste(input, text);
  });

  function paste(input, text) {
    const [top, left] = place.get(input);
    const block = text.replace(/(\r\n|\r|\n)$/, "").split(/\r\n|\r|\n/).map((line) => line.split("\t"));
    let filled = 0, outside = 0, shut = 0;
    block.forEach((line, dy) =>
      line.forEach((value, dx) => {
        const target = rows[top + dy]?.[left + dx];
        if (!target) outside += 1;
        else if (target.readOnly) shut += 1;
        else {
          target.value = value.trim();
          mark(target);
          filled += 1;
        }
      }),
    );
    const parts = [`Pasted ${filled} ${filled === 1 ? "cell" : "cells"}.`];
    if (shut) parts.push(`${shut} left as they were, because their month is shut.`);
    if (outside) parts.push(`${outside} fell outside the sheet.`);
    const wrong = [...changed].filter((each) => each.hasAttribute("aria-invalid")).length;
    if (wrong) parts.push(`${wrong} cannot be read as numbers.`);
    say(parts.join(" "), wrong || outside ? "is-bad" : "");
    tell(input);
    refresh();
  }

  revertButton.addEventListener("click", () => {
    const count = changed.size;
    [...changed].forEach((input) => {
      input.value = input.defaultValue;
      mark(input);
    });
    showErrors([]);
    say(`Took back ${count} unsaved ${count === 1 ? "change" : "changes"}.`);
    refresh();
  });

  saveButton.addEventListener("click", save);
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
      event.preventDefault();
      if (!saveButton.disabled) save();
    }
  });

  // A cell that never stated anything and is empty again says nothing.
  const stated = () => [...changed].filter((input) => input.value.trim() !== "" || input.dataset.seen);

  async function save() {
    const inputs = stated();
    const changes = inputs.map((input) => {
      const { investment, account, currency } = input.closest("tr").dataset;
      return { investment, account, currency, month: heads[place.get(input)[1]].dataset.month, text: input.value, seen: input.dataset.seen };
    });
    isSaving = true;
    refresh();
    say("Saving…");
    try {
      const response = await fetch(grid.dataset.save, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": document.querySelector("#token input").value },
        body: JSON.stringify({ portfolio: grid.dataset.portfolio, notation: grid.dataset.notation, reason: reasonField.hidden ? "" : reason.value, changes }),
      });
      await receive(response, inputs);
    } catch {
      say("The server did not answer; nothing is known to be saved. Your changes are still here: try again.", "is-bad");
    }
    isSaving = false;
    refresh();
  }

  async function receive(response, inputs) {
    const isJson = (response.headers.get("Content-Type") ?? "").includes("json");
    const answer = isJson ? await response.json() : {};
    if (!response.ok || !isJson) {
      say(answer.message ?? (response.status === 403 || response.redirected ? "You are signed out or may not save here. Sign in again in another tab, then save." : `The server answered with error ${response.status}; nothing was saved.`), "is-bad");
      inputs.forEach((input) => mark(input));
      showErrors((answer.errors ?? []).map((each) => ({ input: inputs[each.index], message: each.message, code: each.code })));
      return;
    }
    answer.cells.forEach((cell, index) => {
      const input = inputs[index];
      input.value = input.defaultValue = cell.text;
      input.dataset.seen = cell.seen;
      mark(input);
      input.parentElement.classList.add("is-saved");
    });
    [...changed].forEach((input) => {
      input.value = input.defaultValue;
      mark(input);
    });
    reason.value = "";
    showErrors([]);
    say(summary(answer.saved), "is-good");
  }

  function summary(saved) {
    const parts = [`Saved: ${saved.new} new, ${saved.changed} changed`];
    if (saved.unchanged) parts.push(`${saved.unchanged} as before`);
    if (saved.late) parts.push(`${saved.late} late`);
    if (saved.restated) parts.push(`${saved.restated} restated`);
    return parts.join(", ") + ".";
  }

  function showErrors(list) {
    errors.replaceChildren();
    errors.hidden = list.length === 0;
    list.filter((each) => each.input).forEach(({ input, message, code }) => {
      bad(input, message);
      if (code === "reason_required") reasonField.hidden = false;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `${nameOf(input)}: ${message}`;
      button.addEventListener("click", () => input.focus());
      const item = document.createElement("li");
      item.append(button);
      errors.append(item);
    });
  }

  addEventListener("beforeunload", (event) => stated().length && event.preventDefault());
  // A browser may restore typed text when the page comes back; show it as what it is.
  rows.flat().forEach((input) => isChanged(input) && mark(input));
  refresh();
  showOpenMonth();

  function showOpenMonth() {
    const first = heads.find((head) => head.dataset.state === "open");
    const fixed = grid.querySelector("thead .grid-head").offsetWidth;
    if (first) grid.scrollLeft = Math.max(0, first.offsetLeft - fixed - 2 * first.offsetWidth);
  }
}

function numberPattern(decimal, grouping) {
  const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const whole = grouping ? `(?:[0-9]{1,3}(?:${escape(grouping)}[0-9]{3})+|[0-9]+)` : "[0-9]+";
  const plain = `(?:${whole}(?:${escape(decimal)}[0-9]+)?|${escape(decimal)}[0-9]+)`;
  return new RegExp(`^(?:([-+]?)(${plain})|\\((${plain})\\))$`);
}
