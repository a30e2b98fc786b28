import { request, type IncomingMessage } from 'node:http';
import { admin } from '../open-server.ts';

export interface SentEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What says who listens. */
type Caller = Readonly<Record<string, string>>;

/** Reads Server-Sent Events as they come. */
export class EventReader implements Disposable {
  readonly response: IncomingMessage;
  readonly #events: AsyncGenerator<SentEvent>;
  /** Comments so far. */
  readonly comments: string[] = [];

  private constructor(response: IncomingMessage) {
    this.response = response;
    this.#events = this.#parse();
  }

  static open(
    url: string,
    lastEventId?: string,
    caller: Caller = { authorization: admin },
  ): Promise<EventReader> {
    const headers = { ...caller, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) };
    return new Promise((resolve, reject) => {
      request(url, { headers, agent: false }, (response) => resolve(new EventReader(response)))
        .on('error', reject)
        .end();
    });
  }

  /** @throws when the stream ends before */
  async next(): Promise<SentEvent> {
    const { value, done } = await this.#events.next();
    if (done === true) throw new Error('The stream has ended');
    return value;
  }

  async take(count: number): Promise<readonly SentEvent[]> {
    const events: SentEvent[] = [];
    while (events.length < count) events.push(await this.next());
    return events;
  }

  [Symbol.dispose](): void {
    this.response.destroy();
  }

  async *#parse(): AsyncGenerator<SentEvent> {
    let text = '';
    for await (const chunk of this.response.setEncoding('utf8')) {
      text += String(chunk);
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        if (block.startsWith(':')) this.comments.push(block);
        else yield parseBlock(block);
      }
    }
  }
}

function parseBlock(block: string): SentEvent {
  const fields = new Map(
    block.split('\n').map((line): [string, string] => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  return {
    event: fields.get('event') ?? 'message',
    id: fields.get('id'),
    data: JSON.parse(fields.get('data') ?? '{}') as Readonly<Record<string, unknown>>,
  };
}
