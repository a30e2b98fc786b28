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
const maxHeldMebibytes = 256;
/** Of these, what is for super users alone. */
const keptWaiting = 20;
const keptMebibytes = 64;
const maxOfUser = 20;
const maxTurns = 1_000;

/**
 * The jobs of each lane that wait, and the one that runs.
 *
 * Users take turns: nobody waits longer for having asked after another's many jobs than for one job of each other user.
 * No number of users takes the places that are kept for super users, nor what their jobs may hold.
 */
export class WaitingJobs<Body> {
  readonly #jobs: WaitingJob<Body>[] = [];
  /** Users by the lane, who had a turn longest ago first. */
  readonly #turns: Readonly<Record<Lane, Set<string>>> = { jobs: new Set(), downloads: new Set() };

  /** @throws CodedError `unavailable` while too many are waiting, or hold too much; one that is alone may hold anything */
  add(job: WaitingJob<Body>): void {
    const { isSuperUser, username } = job.user;
    const ofLane = this.#jobs.filter(({ lane }) => lane === job.lane);
    const most = isSuperUser ? maxWaiting : maxWaiting - keptWaiting;
    if (ofLane.length >= most) {
      throw new CodedError('unavailable', `${most} jobs are waiting already; try again when some are done`);
    }
    const ofUser = ofLane.filter(({ user }) => user.username === username);
    if (ofUser.length >= maxOfUser && !isSuperUser) {
      throw new CodedError(
        'unavailable',
        `${maxOfUser} of your jobs are waiting already; try again when some are done`,
      );
    }
    this.#checkHeld(job);
    this.#jobs.push(job);
  }

  #checkHeld({ heldBytes, user: { isSuperUser } }: WaitingJob<Body>): void {
    if (heldBytes === 0) return;
    const held = bytesOf(this.#jobs);
    const mostMebibytes = isSuperUser ? maxHeldMebibytes : maxHeldMebibytes - keptMebibytes;
    if (held === 0 || held + heldBytes <= mostMebibytes * 2 ** 20) return;
    // Also where one alone holds more than all may.
    const ofSuperUsers = bytesOf(this.#jobs.filter(({ user }) => user.isSuperUser));
    if (isSuperUser && ofSuperUsers + heldBytes <= keptMebibytes * 2 ** 20) return;
    throw new CodedError(
      'unavailable',
      `The jobs that wait may hold ${mostMebibytes} MiB: try again when some are done, or use csv_file_load or csv_url_load`,
    );
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

function bytesOf(jobs: readonly WaitingJob<unknown>[]): number {
  return jobs.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
}
