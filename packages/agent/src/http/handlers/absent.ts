/**
 * Parts of the API that this cluster has nothing of: variables, volumes, plugins, access control,
 * keys. They answer as an empty cluster does, so that clients which look at everything go on.
 */
import { internal } from "@drover/api";
import type { LocalHandler, ReadHandler, WriteHandler } from "../handler.ts";
import { missing } from "./allocations.ts";

/** A held query needs an index to pass, so an empty table is at 1. */
const EMPTY_INDEX = 1;

const variableList: ReadHandler = {
  kind: "read",
  tables: [],
  run: () => ({ json: [], index: EMPTY_INDEX }),
};

const variableRead: ReadHandler = {
  kind: "read",
  tables: [],
  run: () => missing("variable not found", EMPTY_INDEX),
};

const volumeList: ReadHandler = {
  kind: "read",
  tables: [],
  run: (context) => ({
    json: [],
    index: context.query.all.get("type") === "host" ? EMPTY_INDEX : 0,
    noHeaders: !context.query.all.has("type"),
  }),
};

const pluginList: ReadHandler = {
  kind: "read",
  tables: [],
  run: (context) => ({
    json: [],
    index: EMPTY_INDEX,
    noHeaders: !context.query.all.has("type"),
  }),
};

const keyringKeys: ReadHandler = {
  kind: "read",
  tables: [],
  run: () => ({ json: [], index: EMPTY_INDEX }),
};

const jwks: ReadHandler = {
  kind: "read",
  tables: [],
  run: () => ({
    json: { keys: [] },
    index: EMPTY_INDEX,
    headers: { "Cache-Control": "max-age=60" },
  }),
};

/** Everybody is this token while access control is off; members in order of declaration. */
const aclTokenSelf: ReadHandler = {
  kind: "read",
  tables: [],
  run: () => ({
    json: {
      ExpirationTTL: "",
      AccessorID: "acls-disabled",
      SecretID: "",
      Name: "ACLs disabled token",
      Type: "client",
      Policies: null,
      Roles: null,
      Global: false,
      Hash: null,
      CreateTime: "0001-01-01T00:00:00Z",
      ExpirationTime: null,
      CreateIndex: 0,
      ModifyIndex: 0,
    },
    index: 0,
  }),
};

const license: LocalHandler = { kind: "local", run: async () => ({ status: 204 }) };

const snapshotSave: WriteHandler = {
  kind: "write",
  run: async () => {
    throw internal("failed to open snapshot: open is not supported:");
  },
};

const evalDelete: WriteHandler = {
  kind: "write",
  run: async (_, server) => {
    if (server.snapshot().schedulerConfig().pauseEvalBroker) {
      throw internal("evaluations are collected once they have ended, and not deleted by hand");
    }
    throw internal("eval broker is enabled; eval broker must be paused to delete evals");
  },
};

export const absentHandlers = {
  variableList,
  variableRead,
  volumeList,
  pluginList,
  keyringKeys,
  jwks,
  aclTokenSelf,
  license,
  snapshotSave,
  evalDelete,
} as const;
