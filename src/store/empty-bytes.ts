import type { Database, RootDatabase } from 'lmdb';
import type { TreeKey } from './environment.ts';

/** Pages of a tree, as lmdb counts them. */
interface TreePages {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

interface FilePages {
  readonly pageSize: number;
  readonly lastPageNumber: number;
  /** The tree of trees. */
  readonly root: TreePages;
  /** The tree of pages that are free. */
  readonly free: TreePages;
}

const metaPages = 2;

/** Of the file of an environment, what holds nothing any more: it is filled before the file grows. */
export function emptyBytesOf(
  root: RootDatabase<Buffer, TreeKey>,
  databases: Readonly<Record<string, Database<Buffer, TreeKey>>>,
): number {
  const file = root.getStats() as FilePages;
  const trees = Object.values(databases).map((database) => database.getStats() as TreePages);
  const usedPages = [file.root, file.free, ...trees].reduce(
    (sum, tree) => sum + tree.treeBranchPageCount + tree.treeLeafPageCount + tree.overflowPages,
    metaPages,
  );
  return (file.lastPageNumber + 1 - usedPages) * file.pageSize;
}
