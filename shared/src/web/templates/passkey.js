(function () {
  "use strict";
  var form = document.querySelector("form[data-passkey]");
  var key = window.PublicKeyCredential;
  var isSupported = key && navigator.credentials && window.AbortController;
  var shown = document.querySelector(isSupported ? "[data-passkey-supported]" : "[data-passkey-unsupported]");
  if (shown) shown.hidden = false;
  if (!isSupported) return;
  // What password managers may hide or rename. Not every browser has these calls.
  var signals = document.querySelector("[data-passkey-signals]");
  if (signals) {
    var told = JSON.parse(signals.dataset.passkeySignals);
    Object.keys(told).forEach(function (name) {
      if (key[name]) key[name](told[name]).catch(function () { return; });
    });
  }
  // Says to the server whether this device can keep a passkey. Only then one is offered after the sign-in.
  var keeps = document.querySelectorAll("[data-keeps-passkeys]");
  if (keeps.length && key.isUserVerifyingPlatformAuthenticatorAvailable) {
    key.isUserVerifyingPlatformAuthenticatorAvailable().then(function (available) {
      for (var i = 0; i < keeps.length; i += 1) keeps[i].value = available ? "true" : "";
    }, function () { return; });
  }
  if (!form) return;
  var options = JSON.parse(form.dataset.passkey);
  var issued = Date.now();
  var creates = form.hasAttribute("data-creates");
  var button = form.querySelector("[data-passkey-start]");
  var waiting = null;
  var busy = false;
  var conditional = false;

  function decode(text) {
    var binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    var bytes = new Uint8Array(binary.length);
    for (var i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
    return bytes.buffer;
  }
  function encode(buffer) {
    var bytes = new Uint8Array(buffer);
    var binary = "";
    for (var i = 0; i < bytes.length; i += 1) binary += String.fromCharCode(bytes[i]);
    return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }
  // Not every browser has parse…OptionsFromJSON, and some password managers break toJSON.
  function read() {
    var read = JSON.parse(JSON.stringify(options.publicKey));
    read.challenge = decode(read.challenge);
    if (read.user) read.user.id = decode(read.user.id);
    (read.excludeCredentials || []).forEach(function (one) { one.id = decode(one.id); });
    return read;
  }
  function write(credential) {
    var from = credential.response;
    var response = { clientDataJSON: encode(from.clientDataJSON) };
    if (creates) {
      response.attestationObject = encode(from.attestationObject);
      response.transports = from.getTransports ? from.getTransports() : [];
    } else {
      response.authenticatorData = encode(from.authenticatorData);
      response.signature = encode(from.signature);
      if (from.userHandle) response.userHandle = encode(from.userHandle);
    }
    return JSON.stringify({
      id: encode(credential.rawId),
      rawId: encode(credential.rawId),
      type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment || undefined,
      response: response
    });
  }
  function say(name) {
    var lines = form.querySelectorAll("[data-passkey-says]");
    for (var i = 0; i < lines.length; i += 1) lines[i].hidden = lines[i].dataset.passkeySays !== name;
  }
  function set(name, value) { form.querySelector("input[name=" + name + "]").value = value; }
  function stop() {
    if (waiting) waiting.abort();
    waiting = null;
  }
  function send(credential) {
    busy = true;
    stop();
    set("credential", write(credential));
    set("state", options.state);
    if (creates && !form.reportValidity()) { busy = false; return; }
    HTMLFormElement.prototype.submit.call(form);
  }
  function failed(error) {
    busy = false;
    button.removeAttribute("aria-disabled");
    if (error && error.name === "InvalidStateError") say("known");
    // The user closed the dialog, or it ran out of time: nothing is wrong.
    else if (error && (error.name === "NotAllowedError" || error.name === "AbortError")) say("cancelled");
    else say("failed");
    wait();
  }
  function start() {
    if (busy) return;
    busy = true;
    stop();
    say("");
    button.setAttribute("aria-disabled", "true");
    var asked = creates ? navigator.credentials.create({ publicKey: read() }) : navigator.credentials.get({ publicKey: read() });
    asked.then(send, failed);
  }
  // Offers passkeys in the autofill of the address.
  function wait() {
    if (!conditional || busy) return;
    stop();
    var own = new AbortController();
    waiting = own;
    navigator.credentials.get({ publicKey: read(), mediation: "conditional", signal: own.signal }).then(send, function () {
      if (waiting === own) waiting = null;
    });
  }
  function renew() {
    if (busy || creates || document.hidden) return;
    fetch(form.dataset.renew, { credentials: "same-origin", cache: "no-store" }).then(function (answer) {
      return answer.ok ? answer.json() : Promise.reject();
    }).then(function (fresh) {
      if (busy) return;
      options = fresh;
      issued = Date.now();
      wait();
    }).catch(function () { return; });
  }
  function renewIfOld() { if (Date.now() - issued > 230000) renew(); }

  form.hidden = false;
  button.addEventListener("click", start);
  if (creates) {
    form.addEventListener("submit", function (event) { event.preventDefault(); start(); });
    return;
  }
  document.addEventListener("submit", function (event) { if (event.target !== form) { busy = true; stop(); } });
  document.addEventListener("visibilitychange", renewIfOld);
  window.addEventListener("pageshow", function (event) {
    if (!event.persisted) return;
    busy = false;
    button.removeAttribute("aria-disabled");
    renew();
  });
  setInterval(renewIfOld, 10000);
  // After a refused passkey the user chooses: the same answer would be refused again.
  if (/\/login\/passkey$/.test(location.pathname)) return;
  if (key.isConditionalMediationAvailable) {
    key.isConditionalMediationAvailable().then(function (available) {
      conditional = available;
      wait();
    }, function () { return; });
  }
})();
