(() => {
  const words = document.body.dataset;
  for (const input of document.querySelectorAll("input[data-reveal]")) {
    const button = document.createElement("button");
    const say = () => { button.textContent = input.type === "password" ? words.show : words.hide; };
    button.type = "button";
    button.setAttribute("aria-controls", input.id);
    button.addEventListener("click", () => {
      input.type = input.type === "password" ? "text" : "password";
      say();
      input.focus();
    });
    say();
    input.parentElement.classList.add("with-button");
    input.after(button);
    input.form.addEventListener("submit", () => { input.type = "password"; });
  }
  for (const form of document.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "1";
      event.submitter?.setAttribute("aria-disabled", "true");
    });
  }
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.forms) delete form.dataset.sent;
    for (const button of document.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  });
  for (const field of document.querySelectorAll("[data-show-when]")) {
    const rule = JSON.parse(field.dataset.showWhen);
    const inputs = [...document.querySelectorAll(`[name="${CSS.escape(rule.field)}"]`)];
    const update = () => {
      const value = inputs.map((i) => (i.type === "checkbox" ? String(i.checked) : i.value)).at(-1);
      field.hidden = value !== rule.equals;
      for (const input of field.querySelectorAll("input, select")) input.disabled = field.hidden;
    };
    for (const input of inputs) input.addEventListener("input", update);
    update();
  }
  document.querySelector("form[data-auto]")?.requestSubmit();
})();
