// The page's side of SMART Web Messaging 1.0.0 (sandbox/desk/messaging.py). It listens to the app in
// its frame, while the app is at its own origin, and to nobody else.

(() => {
  const visit = document.body.dataset.visit;
  let before = Promise.resolve();

  addEventListener("message", (event) => {
    const { source, origin, data } = event;
    const frame = document.getElementById("app-frame");
    if (!frame || source !== frame.contentWindow || origin !== frame.dataset.origin) return;
    if (typeof data?.messagingHandle !== "string" || typeof data.messageId !== "string") return;
    // One after the other: an app may say that it is done before its last change is made.
    before = before.then(async () => {
      const { response, effect } = await passOn(origin, data);
      source.postMessage(response, origin);
      if (effect === "drafts") document.dispatchEvent(new Event("chart-changed"));
      if (effect === "done") document.dispatchEvent(new Event("app-done"));
    });
  });

  async function passOn(origin, message) {
    let status = "503 Service Unavailable", reason = "The EHR cannot be reached.";
    try {
      const answer = await fetch(`${visit}/messaging`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ origin, message }),
      });
      const told = await answer.json();
      if (answer.ok) return told;
      status = `${answer.status} ${answer.statusText}`;
      reason = told.error;
    } catch {
      // Every message has its response, this one too.
    }
    const failed = message.messageType?.startsWith?.("ui.")
      ? { status: "failure", statusDetail: { text: reason } }
      : { status, outcome: outcome(reason) };
    const response = {
      messageId: crypto.randomUUID(),
      responseToMessageId: message.messageId,
      payload: failed,
    };
    return { response, effect: null };
  }

  function outcome(diagnostics) {
    return {
      resourceType: "OperationOutcome",
      issue: [{ severity: "error", code: "processing", diagnostics }],
    };
  }
})();
