import type { Document } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import type { User } from '../user/user.ts';

/** Jobs of one lane run one after another. */
export type Lane = 'jobs' | 'downloads';

/** A job that has not ended. */
export interface WaitingJob<Body> {
  readonly id: string;
  readonly user: User;
  readonly body: Body;
  readonly heldBytes: number;
  readonly lane: Lane;
  /** Kept until it is on disk: a full disk must not make a job run twice. */
  end?: Document | undefined;
}

const maxWaiting = 100;
const maxOfUser = 20;
const maxHeldMebibytes = 256;
const maxTurns = 1_000;

/**
 * The jobs of each lane that wait, and the one that runs.
 *
 * Users take turns: nobody waits longer for having asked after another's many jobs than for one job of each other user.
 */
export class WaitingJobs<Body> {
  readonly #jobs: WaitingJob<Body>[] = [];
  /** Users by the lane, who had a turn longest ago first. */
  readonly #turns: Readonly<Record<Lane, Set<string>>> = { jobs: new Set(), downloads: new Set() };

  /** @throws CodedError `unavailable` while too many are waiting, or hold too much; one that is alone may hold anything */
  add(job: WaitingJob<Body>): void {
    const ofLane = this.#jobs.filter(({ lane }) => lane === job.lane);
    if (ofLane.length >= maxWaiting) {
      throw new CodedError(
        'unavailable',
        `${maxWaiting} jobs are waiting already; try again when some are done`,
      );
    }
    const ofUser = ofLane.filter(({ user }) => user.username === job.user.username);
    if (ofUser.length >= maxOfUser && !job.user.isSuperUser) {
      throw new CodedError(
        'unavailable',
        `${maxOfUser} of your jobs are waiting already; try again when some are done`,
      );
    }
    const held = this.#jobs.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    if (job.heldBytes > 0 && held > 0 && held + job.heldBytes > maxHeldMebibytes * 2 ** 20) {
      throw new CodedError(
        'unavailable',
        `The jobs that wait may hold ${maxHeldMebibytes} MiB: try again when some are done, or use csv_file_load or csv_url_load`,
      );
    }
    this.#jobs.push(job);
  }

  /** One that has run, else the oldest of the user whose turn was longest ago; only of those that are `ready`. */
  next(lane: Lane, isReady: (id: string) => boolean): WaitingJob<Body> | undefined {
    const jobs = this.#jobs.filter((job) => job.lane === lane && isReady(job.id));
    const turns = [...this.#turns[lane]];
    const turnOf = ({ user, end }: WaitingJob<Body>): number =>
      end === undefined ? turns.indexOf(user.username) : -2;
    // Sorting is stable: who waits longer stays first.
    return jobs.sort((a, b) => turnOf(a) - turnOf(b))[0];
  }

  /** Its user has had a turn. */
  begin({ lane, user: { username } }: WaitingJob<Body>): void {
    const turns = this.#turns[lane];
    turns.delete(username);
    turns.add(username);
    const [oldest] = turns;
    if (turns.size > maxTurns && oldest !== undefined) turns.delete(oldest);
  }

  remove(job: WaitingJob<Body>): void {
    this.#jobs.splice(this.#jobs.indexOf(job), 1);
  }
}
