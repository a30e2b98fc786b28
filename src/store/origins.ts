import type { Origin } from '../model/change.ts';
import { CodedError } from '../model/errors.ts';
import { decodeMessage, encodeMessage } from '../model/transaction-codec.ts';
import type { Environment, Tree } from './environment.ts';

/** Short local numbers for origins, so that a row costs four bytes for its own and four for its base's. */
export class Origins {
  readonly #tree: Tree;
  readonly #byNumber = new Map<number, Origin>();
  readonly #numbers = new Map<string, number>();
  /** Rows of one origin come in runs. */
  #latest: { readonly origin: Origin; readonly number: number } | undefined;

  constructor(environment: Environment) {
    this.#tree = environment.trees.origins;
    environment.onAbort(() => {
      this.#byNumber.clear();
      this.#numbers.clear();
      this.#latest = undefined;
    });
  }

  at(number: number): Origin {
    const known = this.#byNumber.get(number);
    if (known) return known;
    const value = this.#tree.get(number);
    const [name, storeId] = value ? (decodeMessage(value) as [string, string]) : [];
    if (name === undefined || storeId === undefined)
      throw new CodedError('undecodable', `Origin number ${number} is not in the store`);
    const origin = { name, storeId };
    this.#byNumber.set(number, origin);
    return origin;
  }

  /** Only inside a commit: draws a number for an origin that has none. */
  numberOf(origin: Origin): number {
    if (this.#latest?.origin.storeId !== origin.storeId || this.#latest.origin.name !== origin.name)
      this.#latest = { origin, number: this.#look(origin) };
    return this.#latest.number;
  }

  #look(origin: Origin): number {
    const key = `${origin.storeId}\n${origin.name}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const stored = this.#tree.get(['number', key]);
    const number = stored ? stored.readUInt32BE() : this.#draw(key, origin);
    this.#numbers.set(key, number);
    return number;
  }

  #draw(key: string, origin: Origin): number {
    const last = this.#tree.get('last');
    const number = (last?.readUInt32BE() ?? 0) + 1;
    const value = Buffer.alloc(4);
    value.writeUInt32BE(number);
    this.#tree.putSync('last', value);
    this.#tree.putSync(['number', key], value);
    this.#tree.putSync(number, encodeMessage([origin.name, origin.storeId]));
    return number;
  }
}
