import type { Table } from '../model/table.ts';
import type { CutTransaction } from './channel-items.ts';

/** Nobody has asked for so long: whoever fetched it has gone. */
const abandonedMs = 60_000;

/**
 * The transaction that was cut last, while its pieces are fetched: to read and to pack all of it for each of them would take
 * as often as long. One alone is kept; whoever asks for another's pieces meanwhile has it cut anew.
 */
export class KeptCut {
  readonly #steadyMs: () => number;
  #kept: { readonly incarnation: string; readonly cut: CutTransaction; usedAtMs: number } | undefined;

  /** @param steadyMs ms of a clock that nobody sets */
  constructor(steadyMs: () => number) {
    this.#steadyMs = steadyMs;
  }

  keep({ incarnation }: Table, cut: CutTransaction): void {
    this.#kept = { incarnation, cut, usedAtMs: this.#steadyMs() };
  }

  /** Transaction `seq` of a channel, if that is the one, and still has this id. */
  find({ incarnation }: Table, seq: number, id: string | undefined): CutTransaction | undefined {
    const kept = this.#kept;
    if (kept?.incarnation !== incarnation || kept.cut.seq !== seq || kept.cut.id !== id) return undefined;
    kept.usedAtMs = this.#steadyMs();
    return kept.cut;
  }

  /** All of it has been fetched. */
  drop(cut: CutTransaction): void {
    if (this.#kept?.cut === cut) this.#kept = undefined;
  }

  dropAbandoned(): void {
    if (this.#kept && this.#steadyMs() - this.#kept.usedAtMs > abandonedMs) this.#kept = undefined;
  }
}
