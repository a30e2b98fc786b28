import { CodedError } from '../model/errors.ts';
import { patched, patchFrom } from './merge-patch.ts';
import { hello, parseBody, type Greeting, type Hello } from './protocol.ts';

/** More than pass each other on their way, over the links of both. */
const maxKept = 4;

/**
 * The greetings of this node and a peer. Each says only what differs from one that the other has said to have, so that an
 * idle link costs little however many tables it carries; whole is the first one, and the first after either has started
 * anew.
 */
export class GreetingExchange {
  /** By their numbers, the newest few. */
  readonly #said = new Map<number, Hello>();
  readonly #heard = new Map<number, Hello>();
  #number = 0;
  /** Of our process, and of the peer's. */
  #bootId: string | undefined;
  #peerBootId: string | undefined;
  /** The newest of ours that the peer has. */
  #known: number | undefined;

  /** @param isFirst over a connection: who answers need not be who did before */
  say(next: Hello, isFirst = false): Greeting {
    const basis = isFirst || this.#known === undefined ? undefined : this.#said.get(this.#known);
    this.#number += 1;
    this.#bootId = next.bootId;
    keep(this.#said, this.#number, next);
    const newest = [...this.#heard.keys()].at(-1);
    return {
      ...(basis ? { ...patchFrom(basis, next), basis: this.#known } : next),
      number: this.#number,
      ...(newest === undefined || this.#peerBootId === undefined
        ? {}
        : { known: { bootId: this.#peerBootId, number: newest } }),
    };
  }

  /** @throws CodedError `undecodable`; `unavailable` when it tells the difference from one that is not known here */
  hear({ number, basis, known, ...told }: Greeting): Hello {
    const before = basis === undefined ? undefined : this.#heard.get(basis);
    if (basis !== undefined && !before)
      throw new CodedError('unavailable', `Greeting ${basis}, of which one tells a difference, is not known`);
    const message = parseBody(hello, before ? patched(before, told) : told);
    if (message.bootId !== this.#peerBootId) {
      this.#heard.clear();
      this.#known = undefined;
    }
    this.#peerBootId = message.bootId;
    if (number !== undefined) keep(this.#heard, number, message);
    if (known !== undefined && known.bootId === this.#bootId)
      this.#known = Math.max(known.number, this.#known ?? 0);
    return message;
  }
}

/** The newest are last, whatever order they came in. */
function keep(greetings: Map<number, Hello>, number: number, greeting: Hello): void {
  const newest = [...greetings, [number, greeting] as const].toSorted(([one], [other]) => one - other);
  greetings.clear();
  for (const [key, value] of newest.slice(-maxKept)) greetings.set(key, value);
}
