/** The two functions that we use of a package that ships no types. */
declare module 'fs-native-extensions' {
  /** False when another open file description holds the lock; the lock ends with `fd`, also by process death. */
  export function tryLock(fd: number, options?: { readonly shared: boolean }): boolean;
  export function unlock(fd: number): void;
}
