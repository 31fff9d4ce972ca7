/** Functions that need the machine: files, hashes, random identifiers. */
import {
  decodeBase64,
  decodeUtf8,
  encodeBase64,
  encodeUtf8,
  FunctionError,
  type FunctionSpec,
  type FunctionTable,
  NUMBER,
  numberOf,
  STRING,
  standardFunctions,
  string,
  stringOf,
  toDouble,
  type Value,
} from "@drover/hcl";
import type { HashAlgorithm, JobFileHost } from "../host.ts";
import { matchFiles } from "./fileset.ts";
import { absolutePath, baseName, directoryName } from "./paths.ts";
import { formatUuid, NAMESPACES, parseUuid, uuidV4, uuidV5 } from "./uuid.ts";

/** All functions of a job file. Without file functions those fail that read files. */
export function jobFunctions(host: JobFileHost): FunctionTable {
  return new Map([
    ...standardFunctions(),
    ...[...pathFunctions(host), ...fileFunctions(host)].map((entry) => {
      return host.allowFiles === false ? refused(entry) : entry;
    }),
    ...hashFunctions(host),
    ...uuidFunctions(host),
  ]);
}

type Entry = [string, FunctionSpec];

function onText(name: string, parameter: string, apply: (given: string) => Value): Entry {
  const parameters = [{ name: parameter, type: STRING }];
  return [
    name,
    { parameters, call: ([value]) => apply(value === undefined ? "" : stringOf(value)) },
  ];
}

function pathFunctions(host: JobFileHost): Entry[] {
  return [
    onText("basename", "path", (path) => string(baseName(path))),
    onText("dirname", "path", (path) => string(directoryName(path))),
    onText("abspath", "path", (path) => string(absolutePath(path, host.workingDirectory))),
    onText("pathexpand", "path", (path) => string(expandHome(path, host))),
  ];
}

function refused([name, spec]: Entry): Entry {
  const call = (): Value => {
    throw new FunctionError("filesystem function disabled");
  };
  return [name, { ...spec, call }];
}

function expandHome(path: string, host: JobFileHost): string {
  if (path !== "~" && !path.startsWith("~/")) return path;
  if (host.homeDirectory === null) throw new FunctionError("the home directory is not known");
  return host.homeDirectory + path.slice(1);
}

function readBytes(host: JobFileHost, given: string): Uint8Array {
  const path = expandHome(given, host);
  if (!host.fileExists(path)) throw new FunctionError(`no file exists at ${given}`);
  const content = host.readFile(path);
  if (!content.ok) throw new FunctionError(`failed to read ${given}`);
  return content.bytes;
}

function fileFunctions(host: JobFileHost): Entry[] {
  return [
    onText("file", "path", (path) => {
      const text = decodeUtf8(readBytes(host, path));
      if (/\p{Surrogate}/u.test(text)) {
        throw new FunctionError(
          `contents of ${path} are not valid UTF-8; use the filebase64 function to obtain the Base64 encoded contents or the other file functions (e.g. filemd5, filesha256) to obtain file hashing results instead`,
        );
      }
      return string(text);
    }),
    onText("filebase64", "path", (path) => string(encodeBase64(readBytes(host, path)))),
    onText("fileexists", "path", (path) => {
      return { type: { kind: "bool" }, data: host.fileExists(expandHome(path, host)) };
    }),
    [
      "fileset",
      {
        parameters: [
          { name: "path", type: STRING },
          { name: "pattern", type: STRING },
        ],
        call: ([path, pattern]) => {
          const directory = expandHome(path === undefined ? "." : stringOf(path), host);
          const files = host.listFiles(directory);
          const matches = matchFiles(files, pattern === undefined ? "" : stringOf(pattern));
          return { type: { kind: "set", element: STRING }, data: matches.map(string) };
        },
      },
    ],
  ];
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function hashFunctions(host: JobFileHost): Entry[] {
  const algorithms: readonly HashAlgorithm[] = ["md5", "sha1", "sha256", "sha512"];
  return [
    ...algorithms.map((algorithm) => {
      return onText(algorithm, "str", (text) =>
        string(hex(host.hash(algorithm, encodeUtf8(text)))),
      );
    }),
    ["bcrypt", bcryptSpec(host)],
    ["rsadecrypt", rsaSpec(host)],
  ];
}

function bcryptSpec(host: JobFileHost): FunctionSpec {
  return {
    parameters: [{ name: "str", type: STRING }],
    variadic: { name: "cost", type: NUMBER },
    call: ([text, cost, extra]) => {
      if (extra !== undefined) {
        throw new FunctionError("bcrypt() takes no more than two arguments");
      }
      const rounds = cost === undefined ? 10 : toDouble(numberOf(cost));
      const hash = host.bcrypt(text === undefined ? "" : stringOf(text), rounds);
      if (hash === null) throw new FunctionError("bcrypt is not available on this machine");
      return string(hash);
    },
  };
}

function rsaSpec(host: JobFileHost): FunctionSpec {
  return {
    parameters: [
      { name: "ciphertext", type: STRING },
      { name: "privatekey", type: STRING },
    ],
    call: ([cipher, key]) => {
      const given = cipher === undefined ? "" : stringOf(cipher);
      const bytes = decodeBase64(given.trim());
      if (bytes === null) {
        throw new FunctionError(
          `failed to decode input "${given}": cipher text must be base64-encoded`,
        );
      }
      // Lines without text are no part of the key, but stricter readers stumble over them.
      const pem = (key === undefined ? "" : stringOf(key)).replace(/\n\s*\n/g, "\n");
      const plain = host.rsaDecrypt(bytes, pem);
      if (plain === null)
        throw new FunctionError("failed to decrypt, error: crypto/rsa: decryption error");
      return string(decodeUtf8(plain));
    },
  };
}

function uuidFunctions(host: JobFileHost): Entry[] {
  return [
    ["uuidv4", { parameters: [], call: () => string(formatUuid(uuidV4(host.randomBytes(16)))) }],
    [
      "uuidv5",
      {
        parameters: [
          { name: "namespace", type: STRING },
          { name: "name", type: STRING },
        ],
        call: ([namespace, name]) => {
          const given = namespace === undefined ? "" : stringOf(namespace);
          const id = parseUuid(NAMESPACES[given] ?? given);
          if (typeof id === "string") {
            throw new FunctionError(`uuidv5() doesn't support namespace ${given} (${id})`);
          }
          const input = Uint8Array.from([
            ...id,
            ...encodeUtf8(name === undefined ? "" : stringOf(name)),
          ]);
          return string(formatUuid(uuidV5(host.hash("sha1", input))));
        },
      },
    ],
  ];
}
