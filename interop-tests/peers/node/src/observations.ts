/**
 * How observed calls ended, until another call asks for it.
 *
 * That call may arrive before the observed one has ended, or even begun.
 */

import { EventEmitter, once } from "node:events";

/** How a call ended, and how long it had left when it arrived, which may be infinite. */
export interface CallEnd {
  name: string;
  end: "completed" | "cancelled";
  remainingMs: number;
}

export class Observations {
  #ends: CallEnd[] = [];
  readonly #added = new EventEmitter().setMaxListeners(0);

  /** Observes a call; the returned function records its end, unless one has been recorded. */
  begin(name: string, remainingMs: number): (end: CallEnd["end"]) => void {
    let hasEnded = false;
    return (end) => {
      if (!hasEnded) {
        hasEnded = true;
        this.#ends.push({ name, end, remainingMs });
        this.#added.emit("end");
      }
    };
  }

  /** Waits for the end of a call of this name, which is reported once. */
  async take(name: string, signal: AbortSignal): Promise<CallEnd> {
    for (;;) {
      const found = this.#ends.find((end) => end.name === name);
      if (found !== undefined) {
        this.#ends = this.#ends.filter((end) => end !== found);
        return found;
      }
      await once(this.#added, "end", { signal });
    }
  }
}
