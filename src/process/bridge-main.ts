import { messageOf } from '../model/errors.ts';
import { createLogger, type Logger } from '../runtime/logger.ts';
import { releaseYoungGeneration } from '../runtime/young-generation.ts';
import type { Store } from '../store/store.ts';
import { startBridge, type RunningBridge } from './bridge.ts';
import type { Answers, FromBridge, Question, ToBridge } from './bridge-messages.ts';
import { logOptions } from './log-options.ts';
import type { NodeSetup } from './node-setup.ts';

let bridge: RunningBridge | undefined;

function send(message: FromBridge): void {
  if (process.connected) process.send?.(message);
}

async function start(setup: NodeSetup): Promise<void> {
  const log: Logger = createLogger(logOptions(setup.config, 'bridge'));
  try {
    bridge = await startBridge(setup, log, openAlone);
    releaseYoungGeneration();
    send({ kind: 'ready' });
  } catch (error) {
    log.error({ err: error }, 'bridge cannot start');
    send({ kind: 'failed', reason: messageOf(error) });
    process.exit(1);
  }
}

let mayOpen = (): void => {};

async function openAlone(open: () => Promise<Store>): Promise<Store> {
  const permission = new Promise<void>((resolve) => (mayOpen = resolve));
  send({ kind: 'opening' });
  await permission;
  const store = await open();
  send({ kind: 'opened' });
  return store;
}

async function answer(id: number, question: Question): Promise<void> {
  try {
    if (question.kind === 'ping') {
      send({ kind: 'answer', id, value: undefined });
      return;
    }
    if (!bridge) throw new Error('the bridge is starting');
    bridge.refresh();
    send({ kind: 'answer', id, value: await ask(bridge, question) });
  } catch (error) {
    send({ kind: 'refused', id, reason: messageOf(error) });
  }
}

async function ask(
  { replication }: RunningBridge,
  question: Exclude<Question, { kind: 'ping' }>,
): Promise<Answers[keyof Answers]> {
  switch (question.kind) {
    case 'status':
      return replication.status();
    case 'connect':
      return replication.connect(question.node, question.timeoutMs);
    case 'peersInForce':
      return replication.arePeersInForce(question.timeoutMs);
    case 'network':
      return replication.network(question.timeoutMs);
    case 'verify':
      return replication.verify(question.database, question.table, question.node, question.timeoutMs);
    case 'purge':
      await replication.purge(question.database, question.table);
      return undefined;
  }
}

process.on('message', (message: ToBridge) => {
  switch (message.kind) {
    case 'start':
      void start(message.setup);
      break;
    case 'open':
      mayOpen();
      break;
    case 'committed':
      bridge?.refresh();
      bridge?.replication.committed();
      break;
    case 'writing':
      bridge?.localWrites.noticed();
      break;
    case 'wake':
      bridge?.replication.wake();
      break;
    case 'ask':
      void answer(message.id, message.question);
      break;
  }
});

async function stop(): Promise<void> {
  await bridge?.[Symbol.asyncDispose]();
  process.exit(0);
}

// The api process ends us with SIGTERM; SIGINT goes to the whole group and is the parent's to handle.
process.on('SIGTERM', () => void stop());
process.on('SIGINT', () => undefined);
// The parent is gone: whoever starts the node next must find nobody here. What was acknowledged is on disk.
// Not process.exit(): in the middle of a commit that would wait for the worker which waits for us.
function vanish(): void {
  process.kill(process.pid, 'SIGKILL');
}
process.on('disconnect', vanish);
// It may have died before this module was loaded, with the start message already on its way.
if (!process.connected) vanish();
