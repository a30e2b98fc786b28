import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { promisify } from 'node:util';
import { childEnvironment } from '../config/child-environment.ts';
import { findNatsServer } from './find-nats-server.ts';

/** Starts nats-server; see {@link NatsProgram}. */
export type SpawnNatsServer = (configFile: string, logFile: string) => ChildProcess;

/**
 * Runs nats-server so that it does not outlive this process: on Linux the kernel ends it with us
 * (`setpriv --pdeathsig`); elsewhere, and if that failed, the next start ends what it finds.
 */
export class NatsProgram {
  readonly #configuredPath: string | undefined;
  #looking: Promise<SpawnNatsServer> | undefined;

  /** @param configuredPath see {@link findNatsServer} */
  constructor(configuredPath?: string) {
    this.#configuredPath = configuredPath;
  }

  /** Looks for it now, while this process still loads its modules. */
  prepare(): void {
    // Who asks is told why there is none.
    this.find().catch(() => undefined);
  }

  /** @throws Error as {@link findNatsServer} */
  async find(): Promise<SpawnNatsServer> {
    this.#looking ??= this.#look();
    return this.#looking;
  }

  async #look(): Promise<SpawnNatsServer> {
    const [{ path }, isBound] = await Promise.all([
      findNatsServer({ configuredPath: this.#configuredPath }),
      hasParentDeathSignal(),
    ]);
    const [program, ...before] = isBound ? (['setpriv', '--pdeathsig', 'KILL', path] as const) : [path];
    return (configFile, logFile) =>
      spawn(program, [...before, '-c', configFile, '-l', logFile], {
        stdio: 'ignore',
        env: childEnvironment(),
      });
  }
}

async function hasParentDeathSignal(): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  return promisify(execFile)('setpriv', ['--version']).then(
    () => true,
    () => false,
  );
}
