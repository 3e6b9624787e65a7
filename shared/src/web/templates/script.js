(function () {
  "use strict";
  var words = document.body.dataset;
  function each(selector, act) {
    var found = document.querySelectorAll(selector);
    for (var i = 0; i < found.length; i += 1) act(found[i]);
  }
  function reveal(input) {
    var button = document.createElement("button");
    function say() { button.textContent = input.type === "password" ? words.show : words.hide; }
    button.type = "button";
    button.setAttribute("aria-controls", input.id);
    button.addEventListener("click", function () {
      input.type = input.type === "password" ? "text" : "password";
      say();
      input.focus();
    });
    say();
    input.parentElement.classList.add("with-button");
    input.parentElement.appendChild(button);
    input.form.addEventListener("submit", function () { input.type = "password"; });
  }
  function sendOnce(form) {
    form.addEventListener("submit", function (event) {
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "1";
      if (event.submitter) event.submitter.setAttribute("aria-disabled", "true");
    });
  }
  function showWhen(field) {
    var rule = JSON.parse(field.dataset.showWhen);
    var inputs = document.getElementsByName(rule.field);
    function update() {
      var input = inputs[inputs.length - 1];
      var value = !input ? "" : input.type === "checkbox" ? String(input.checked) : input.value;
      var own = field.querySelectorAll("input, select");
      field.hidden = value !== rule.equals;
      for (var i = 0; i < own.length; i += 1) own[i].disabled = field.hidden;
    }
    for (var i = 0; i < inputs.length; i += 1) inputs[i].addEventListener("input", update);
    update();
  }
  function shareSignIn(form) {
    var key = "latchkey:sign-in";
    var inOtherTab = false;
    function store() { try { localStorage.setItem(key, String(Date.now())); } catch (error) { return; } }
    function retry() {
      var password = form.querySelector("input[type=password]");
      if (inOtherTab && !document.hidden && password && !password.value && !form.dataset.sent) {
        // A reload would send a form again, if this page is the answer to one.
        location.replace((form.getAttribute("action") ? form.action : location.href).split("#")[0]);
      }
    }
    form.addEventListener("submit", store);
    window.addEventListener("storage", function (event) { inOtherTab = inOtherTab || event.key === key; });
    document.addEventListener("visibilitychange", retry);
    window.addEventListener("focus", retry);
  }
  each("input[data-reveal]", reveal);
  each("form[method=post]", sendOnce);
  each("[data-show-when]", showWhen);
  each("[data-print]", function (button) {
    button.hidden = false;
    button.addEventListener("click", function () { window.print(); });
  });
  each("form[data-sign-in]", shareSignIn);
  window.addEventListener("pageshow", function (event) {
    if (!event.persisted) return;
    each("form", function (form) { delete form.dataset.sent; });
    each("[aria-disabled]", function (button) { button.removeAttribute("aria-disabled"); });
  });
})();
