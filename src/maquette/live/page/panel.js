// The words around the picture: connection, numbers, and what is being waited for.

const by = (id) => document.getElementById(id);
const number = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : "–");

export class Panel {
  constructor() {
    this.connection = "connecting";
    this.attempt = 0;
    this.sinceMs = performance.now();
    this.status = null;
    this.problem = "";
    this.said = "";
  }

  connected(state, attempt) {
    this.connection = state;
    this.attempt = attempt;
    if (state === "connected") {
      this.sinceMs = performance.now();
    } else {
      this.status = null;
    }
    const badge = by("connection");
    badge.dataset.state = state;
    put(badge.firstElementChild, state === "reconnecting" ? `reconnecting (${attempt})` : state);
    if (state !== "connected") {
      ["fps", "latency", "people", "dropped", "source"].forEach((id) => put(by(id), "–"));
      delete by("source").dataset.state;
    }
  }

  told(status) {
    this.status = status;
    put(by("fps"), `${number(status.fps_in, 1)} / ${number(status.fps_out, 1)}`);
    const { p50, p99 } = status.latency_ms ?? {};
    put(by("latency"), Number.isFinite(p50) ? `${number(p50, 1)} / ${number(p99, 1)} ms` : "–");
    put(by("people"), String(status.people));
    put(by("dropped"), String(status.dropped));
    by("dropped").toggleAttribute("data-some", status.dropped > 0);
    const { address, state, detail } = status.source;
    put(by("source"), state === "receiving" ? address : `${state} · ${address}`);
    by("source").dataset.state = state;
    by("source-box").title = [address, state, detail].filter(Boolean).join(" · ");
  }

  /** Say what is waited for; `people` are seen. Beside the figures where there are some. */
  wait(people) {
    const [head, text] = this.words(people);
    const box = by("message");
    if (this.said !== `${head}|${text}`) {
      this.said = `${head}|${text}`;
      if (head) {
        put(box.firstElementChild, head);
        put(box.lastElementChild, text);
      }
      box.hidden = !head;
    }
    box.classList.toggle("beside", people > 0);
  }

  words(people) {
    if (this.problem) {
      return ["This browser cannot draw the figures", this.problem];
    }
    if (this.connection === "connecting") {
      return ["Connecting", ""];
    }
    if (this.connection === "reconnecting") {
      return this.attempt > 1 ? ["The connection is lost", "This page tries again by itself."] : ["", ""];
    }
    const { state, source } = this.status ?? {};
    const detail = source?.detail ?? "";
    if (source?.state === "stalled") {
      return ["The source has stalled", detail];
    }
    if (source?.state === "reconnecting") {
      return ["The source is gone", detail ? `${detail}; trying again` : "Trying again."];
    }
    if (source?.state === "failed" || source?.state === "ended") {
      return [source.state === "ended" ? "The source has ended" : "The source has failed", detail];
    }
    if (state === "calibrating") {
      return ["Calibrating", "Stay in the picture and move a little."];
    }
    if (people === 0 && (this.status || performance.now() - this.sinceMs > 1200)) {
      return source?.state === "waiting"
        ? ["Waiting for keypoints", source.address]
        : ["Waiting for a person", "Nobody is in the picture."];
    }
    return ["", ""];
  }
}

function put(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
