import { CodedError } from '../model/errors.ts';
import { randomId } from '../model/random-id.ts';
import { patched, patchFrom } from './merge-patch.ts';
import { hello, type Greeting, type Hello } from './hello.ts';
import { encodeBody, parseBody } from './message-body.ts';

/** More than pass each other on their way, over the links of both. */
const maxKept = 4;
/** `max_payload` of nats-server: nobody could have said more in one greeting, and patches must not add up to more. */
const maxBytes = 8 << 20;

/**
 * The greetings of this node and a peer. Each says only what differs from one that the other has said to have, so that an
 * idle link costs little however many tables it carries; whole is the first one, and the first after either has started
 * anew.
 */
export class GreetingExchange {
  /** By their numbers, the newest few. */
  readonly #said = new Map<number, Hello>();
  readonly #heard = new Map<number, Hello>();
  readonly #id = randomId(9);
  #number = 0;
  /** Of the peer's: drawn anew with its process, and with its session. */
  #peerId: string | undefined;
  /** The newest of ours that the peer has. */
  #known: number | undefined;

  /** @param isFirst over a connection: who answers need not be who did before */
  say(next: Hello, isFirst = false): Greeting {
    const basis = isFirst || this.#known === undefined ? undefined : this.#said.get(this.#known);
    this.#number += 1;
    keep(this.#said, this.#number, next);
    const newest = [...this.#heard.keys()].at(-1);
    return {
      ...(basis ? { ...patchFrom(basis, next), basis: this.#known } : next),
      exchange: this.#id,
      number: this.#number,
      ...(newest === undefined || this.#peerId === undefined
        ? {}
        : { known: { exchange: this.#peerId, number: newest } }),
    };
  }

  /** @throws CodedError `undecodable`; `unavailable` when it tells the difference from one that is not known here */
  hear({ exchange, number, basis, known, ...told }: Greeting): Hello {
    const isSame = exchange !== undefined && exchange === this.#peerId;
    const before = basis === undefined || !isSame ? undefined : this.#heard.get(basis);
    if (basis !== undefined && !before) {
      const [newest, message] = [...this.#heard].at(-1) ?? [];
      // Overtaken by those over the other link, while it waited behind what was sent before it: no doubt of its own link.
      if (isSame && message && number !== undefined && number < (newest ?? 0)) return message;
      throw new CodedError('unavailable', `Greeting ${basis}, of which one tells a difference, is not known`);
    }
    const message = parseBody(hello, before ? patched(before, told) : told);
    if (before && encodeBody(message).length > maxBytes)
      throw new CodedError('undecodable', 'A greeting has grown larger than one can be');
    if (!isSame) this.#heard.clear();
    // Who says all of it may know nothing of ours any more.
    if (!before) this.#known = undefined;
    this.#peerId = exchange;
    if (exchange !== undefined && number !== undefined) keep(this.#heard, number, message);
    if (known !== undefined && known.exchange === this.#id)
      this.#known = Math.max(known.number, this.#known ?? 0);
    // What comes later is the difference from these, or from newer ones.
    forgetBefore(this.#heard, basis ?? 0);
    forgetBefore(this.#said, this.#known ?? 0);
    return message;
  }
}

function forgetBefore(greetings: Map<number, Hello>, number: number): void {
  for (const key of greetings.keys()) if (key < number) greetings.delete(key);
}

/** The newest are last, whatever order they came in. */
function keep(greetings: Map<number, Hello>, number: number, greeting: Hello): void {
  const newest = [...greetings, [number, greeting] as const].toSorted(([one], [other]) => one - other);
  greetings.clear();
  for (const [key, value] of newest.slice(-maxKept)) greetings.set(key, value);
}
