/**
 * What a job file may ask of the machine that it is read on. The caller brings it, because this
 * package has neither files nor cryptography nor a clock.
 */

export type HashAlgorithm = "md5" | "sha1" | "sha256" | "sha512";

export type FileContent = { ok: true; bytes: Uint8Array } | { ok: false; message: string };

export interface JobFileHost {
  /** false: functions that look at files fail, as where others' job files are read. */
  readonly allowFiles?: boolean;
  /** Relative paths are relative to the working directory, as for all functions here. */
  readFile(path: string): FileContent;
  fileExists(path: string): boolean;
  /** All regular files under a directory, as paths relative to it; [] when there is none. */
  listFiles(directory: string): readonly string[];
  readonly workingDirectory: string;
  /** For `~`; null when there is none. */
  readonly homeDirectory: string | null;
  /** The digest of the bytes. */
  hash(algorithm: HashAlgorithm, bytes: Uint8Array): Uint8Array;
  randomBytes(count: number): Uint8Array;
  /** PKCS #1 v1.5, with a key in PEM; null when either does not fit. */
  rsaDecrypt(cipher: Uint8Array, privateKey: string): Uint8Array | null;
  /** A bcrypt hash of the text; null when the machine cannot make one. */
  bcrypt(text: string, cost: number): string | null;
}
