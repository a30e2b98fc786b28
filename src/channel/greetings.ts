import type { Greeter } from './greeter.ts';
import { GreetingExchange } from './greeting-exchange.ts';
import type { Patience, PeerLink } from './peer-link.ts';
import type { PeerSession } from './peer-session.ts';
import { greeting as greetingSchema, type Greeting, type Hello } from './hello.ts';

export interface GreetingsOptions {
  readonly greeter: Pick<Greeter, 'compose' | 'merge'>;
  readonly session: (peer: string) => PeerSession | undefined;
  /** Ms of a clock that nobody sets. */
  readonly steadyMs: () => number;
  /** What a peer has said changes what should run. */
  readonly onChange: () => void;
}

/** The greetings that this node and its peers exchange, over the links of both. */
export class Greetings {
  readonly #options: GreetingsOptions;

  constructor(options: GreetingsOptions) {
    this.#options = options;
  }

  /** Greets a peer over our own link; what it says, which counts from here on. @throws as {@link PeerLink.request} */
  async greet(peer: string, link: PeerLink, patience: Patience): Promise<Hello> {
    const { greeter, session, steadyMs } = this.#options;
    const sentMs = steadyMs();
    const exchange = this.#exchangeWith(peer);
    const greeting = exchange.say(greeter.compose(peer), !link.isOpen);
    const answer = exchange.hear(await link.request('hello', greeting, greetingSchema, patience));
    session(peer)?.answered(sentMs, answer);
    await this.#take(peer, answer, 'our link');
    return answer;
  }

  /** A peer has greeted over its own link; what we say. */
  async greeted(peer: string, greeting: Greeting): Promise<Greeting> {
    const exchange = this.#exchangeWith(peer);
    await this.#take(peer, exchange.hear(greeting), 'their link');
    return exchange.say(this.#options.greeter.compose(peer));
  }

  /** Of one whose session has ended, or not begun, nothing is kept. */
  #exchangeWith(peer: string): GreetingExchange {
    return this.#options.session(peer)?.greetings ?? new GreetingExchange();
  }

  async #take(peer: string, message: Hello, by: 'our link' | 'their link'): Promise<void> {
    const { greeter, session, onChange } = this.#options;
    session(peer)?.heard(message, by);
    // Not waited for: what runs ends what it is applying first, and the next greeting may be due before.
    if (await greeter.merge(peer, message)) onChange();
  }
}
