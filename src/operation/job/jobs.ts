import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Document } from '../../model/change.ts';
import { systemDatabase, type Table } from '../../model/table.ts';
import type { Logger } from '../../runtime/logger.ts';
import { RunLoop } from '../../runtime/run-loop.ts';
import type { Store } from '../../store/store.ts';
import type { WriteStep } from '../../store/writer.ts';
import { checkNeeds, type Need } from '../permission.ts';
import { Refusals } from '../refusals.ts';
import { requireTable } from '../table-lookup.ts';
import type { User } from '../user/user.ts';
import { failureMessage } from './failure-message.ts';
import { forgottenJobs } from './finished-jobs.ts';
import { jobRow, jobsTable, type JobProgress, type JobRow, type JobTimes } from './job-row.ts';
import { userNow } from './user-now.ts';
import { WaitingJobs, type Lane, type WaitingJob } from './waiting-jobs.ts';

/** What a job ends with. Only a text is its message; otherwise that says that it is complete. */
export type JobOutcome = string | { readonly result: Document } | undefined;

/** The job that runs, as its body sees it. */
export interface RunningJob {
  readonly id: string;
  /** Aborts when the node stops; the body then ends as soon as it can. */
  readonly signal: AbortSignal;
  /** Who asked for it, as {@link userNow}. */
  user(): User;
  /** The step that notes the progress, for the commit of the chunk that makes it: neither is there without the other. */
  progressStep(progress: JobProgress): WriteStep;
  /** A file that the next start removes if this process is killed; its name holds the id of the job. */
  noteScratchFile(path: string): Promise<void>;
  /** Notes the progress in a commit of its own. */
  report(progress: JobProgress): Promise<void>;
}

export type JobBody = (job: RunningJob) => Promise<JobOutcome>;

/** A job as it is asked for. */
export interface NewJob {
  readonly type: string;
  readonly user: User;
  /** What the user must still be allowed when it begins; to be a super user if not said. */
  readonly needs?: readonly Need[];
  readonly body: JobBody;
  /** What its body keeps in memory until it ends; 0 if not said. */
  readonly heldBytes?: number;
  /** `downloads` for what waits for another server; `jobs` if not said. */
  readonly lane?: Lane;
}

export interface JobsOptions {
  readonly store: Store;
  /** Ms since 1970. */
  readonly now: () => number;
  readonly log: Logger;
}

const forgetIntervalMs = 10 * 60_000;

/**
 * Runs jobs, one after another in each lane, and keeps what became of them in `system.hdb_job`.
 *
 * A job is no longer than the process that runs it: what a stop or a crash interrupted is failed at the next
 * start, with the row that it had reached. What it wrote before stays, in whole chunks; a file that it was writing
 * is removed. Finished ones are kept for a while (`finished-jobs.ts`).
 */
export class Jobs implements AsyncDisposable {
  readonly #options: JobsOptions;
  readonly #waiting = new WaitingJobs<JobBody>();
  readonly #lanes: Readonly<Record<Lane, RunLoop>>;
  readonly #forgetting: RunLoop;

  private constructor(options: JobsOptions) {
    this.#options = options;
    this.#lanes = { jobs: this.#lane('jobs'), downloads: this.#lane('downloads') };
    this.#forgetting = new RunLoop({
      name: 'finished jobs',
      body: () => this.#forgetOld(),
      idleMs: forgetIntervalMs,
      log: options.log,
    });
  }

  /** Fails what an earlier process left undone, and begins. */
  static async open(options: JobsOptions): Promise<Jobs> {
    const jobs = new Jobs(options);
    await jobs.#failInterrupted();
    for (const loop of Object.values(jobs.#lanes)) loop.start();
    jobs.#forgetting.start();
    return jobs;
  }

  /**
   * Takes a job and answers as clients know it; the fifth word of the message is the id.
   *
   * @throws CodedError `unavailable` as {@link WaitingJobs.add}
   */
  async submit(job: NewJob): Promise<{ readonly message: string; readonly job_id: string }> {
    const { type, user, needs, heldBytes = 0, lane = 'jobs' } = job;
    const id = randomUUID();
    const body: JobBody = async (running) => {
      this.#checkBegin(type, running.user(), needs);
      return job.body(running);
    };
    const waiting: WaitingJob<JobBody> = { id, user, body, heldBytes, lane };
    this.#waiting.add(waiting);
    const row: JobRow = {
      id,
      type,
      user: user.username,
      status: 'CREATED',
      message: null,
      created_datetime: this.#options.now(),
      start_datetime: null,
      end_datetime: null,
    };
    try {
      await this.#options.store.replaceSystemDocument(jobsTable, id, row);
    } catch (error) {
      this.#waiting.remove(waiting);
      throw error;
    }
    this.#lanes[lane].wake();
    return { message: `Starting job with id ${id}`, job_id: id };
  }

  get(id: string): JobRow | undefined {
    const row = this.#options.store.get(this.#table, id);
    return row && jobRow.parse(row);
  }

  /** Oldest first. Without what they tell: of 10,000 that may be much. */
  all(): readonly JobTimes[] {
    const found: JobTimes[] = [];
    for (const row of this.#options.store.search(this.#table, {})) {
      const { id, status, created_datetime, start_datetime, end_datetime } = jobRow.parse(row);
      found.push({ id, status, created_datetime, start_datetime, end_datetime });
    }
    return found.sort((a, b) => a.created_datetime - b.created_datetime);
  }

  /** Resolves when the running jobs have stopped, which fail at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    const loops = [this.#forgetting, ...Object.values(this.#lanes)];
    await Promise.all(loops.map((loop) => loop[Symbol.asyncDispose]()));
  }

  #lane(lane: Lane): RunLoop {
    const { log } = this.#options;
    return new RunLoop({ name: lane, body: (signal) => this.#next(lane, signal), idleMs: 60_000, log });
  }

  async #next(lane: Lane, signal: AbortSignal): Promise<boolean> {
    const job = this.#waiting.next(lane, (id) => this.get(id) !== undefined);
    if (!job) return false;
    if (job.end === undefined) {
      this.#waiting.begin(job);
      job.end = await this.#run(job, signal);
    }
    if (job.end !== undefined) await this.#patch(job.id, job.end);
    this.#waiting.remove(job);
    return true;
  }

  /** How the job ended; undefined when the node stops. */
  async #run({ id, user, body }: WaitingJob<JobBody>, signal: AbortSignal): Promise<Document | undefined> {
    const { store, now, log } = this.#options;
    const job: RunningJob = {
      id,
      signal,
      user: () => userNow(store, user),
      progressStep: (progress) => this.#patchStep(id, { progress }),
      noteScratchFile: async (path) => this.#patch(id, { scratch_file: path }),
      report: async (progress) => this.#patch(id, { progress }),
    };
    try {
      await this.#patch(id, { status: 'IN_PROGRESS', start_datetime: now() });
      const outcome = await body(job);
      return {
        status: 'COMPLETE',
        message: typeof outcome === 'string' ? outcome : `Successfully completed job: ${id}`,
        ...(typeof outcome === 'object' ? outcome : {}),
        end_datetime: now(),
      };
    } catch (error) {
      if (signal.aborted) return undefined;
      return { status: 'ERROR', message: failureMessage(error, log), end_datetime: now() };
    }
  }

  #checkBegin(type: string, user: User, needs: readonly Need[] | undefined): void {
    if (needs !== undefined) checkNeeds({ user, store: this.#options.store }, needs);
    else if (!user.isSuperUser) Refusals.refuseOperation(type);
  }

  async #failInterrupted(): Promise<void> {
    for (const { id, status } of this.all()) {
      if (status !== 'CREATED' && status !== 'IN_PROGRESS') continue;
      const { progress, scratch_file: file } = this.get(id) ?? {};
      if (file !== undefined) await this.#removeScratchFile(id, file);
      await this.#patch(id, {
        status: 'ERROR',
        message:
          status === 'CREATED'
            ? 'The node stopped before this job began; start it again'
            : `The node stopped while this job ran, after row ${progress?.rows ?? 0}; what it did until then is kept`,
        end_datetime: this.#options.now(),
      });
    }
  }

  /** A file that cannot be removed keeps nobody from starting. */
  async #removeScratchFile(id: string, file: string): Promise<void> {
    if (!file.includes(id)) return;
    await rm(file, { force: true }).catch((error: unknown) => {
      this.#options.log.warn({ err: error, file }, 'file of an interrupted job not removed');
    });
  }

  async #forgetOld(): Promise<boolean> {
    const { now, store } = this.#options;
    const keys = forgottenJobs(this.all(), now());
    if (keys.length > 0) await store.delete({ table: this.#table, keys });
    return false;
  }

  async #patch(id: string, patch: Document): Promise<void> {
    await this.#options.store.transact([this.#patchStep(id, patch)], undefined);
  }

  #patchStep(id: string, patch: Document): WriteStep {
    return { table: this.#table, operation: 'update', documents: [{ id, ...patch }] };
  }

  get #table(): Table {
    return requireTable(this.#options.store, systemDatabase, jobsTable);
  }
}
