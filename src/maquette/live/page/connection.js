// The WebSocket that the page was given by: opened again when it breaks, with pauses that grow to two seconds.

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2000;
// A server that is gone without a word (a cable, a sleeping laptop) is noticed when its status stays away.
const SILENCE_MS = 6000;

export class Connection {
  /**
   * @param {(message: object) => void} onMessage takes each message of version 1.
   * @param {(state: "connecting" | "connected" | "reconnecting", attempt: number) => void} onState
   */
  constructor(onMessage, onState) {
    this.onMessage = onMessage;
    this.onState = onState;
    this.attempt = 0;
    this.pauseMs = FIRST_PAUSE_MS;
    this.socket = null;
    this.heardMs = 0;
    // The query carries the token.
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.address = `${scheme}//${location.host}/${location.search}`;
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    setInterval(() => this.listen(), 1000);
    onState("connecting", 0);
    this.open();
  }

  open() {
    this.timer = null;
    const socket = (this.socket = new WebSocket(this.address));
    this.heardMs = performance.now();
    socket.onmessage = (event) => {
      this.heardMs = performance.now();
      let message;
      try {
        message = JSON.parse(event.data);
      } catch {
        return;
      }
      if (message.v === 1) {
        this.onMessage(message);
      }
    };
    socket.onopen = () => {
      this.attempt = 0;
      this.pauseMs = FIRST_PAUSE_MS;
      this.onState("connected", 0);
    };
    socket.onclose = () => this.socket === socket && this.later();
  }

  later() {
    this.socket = null;
    this.attempt += 1;
    this.onState("reconnecting", this.attempt);
    this.timer = setTimeout(() => this.open(), this.pauseMs);
    this.pauseMs = Math.min(1.6 * this.pauseMs, LONGEST_PAUSE_MS);
  }

  /** Somebody looks again, or there is a network again: do not wait for the pause to end. */
  hurry() {
    if (this.timer !== null && this.socket === null) {
      clearTimeout(this.timer);
      this.open();
    }
  }

  /** Give up a connection that has gone silent. */
  listen() {
    const socket = this.socket;
    if (socket !== null && performance.now() - this.heardMs > SILENCE_MS) {
      this.later();
      socket.onmessage = socket.onopen = null;
      socket.close();
    }
  }
}
