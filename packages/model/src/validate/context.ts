/** What validation must know of the cluster. */
export interface ValidateContext {
  namespaceExists(name: string): boolean;
  nodePoolExists(name: string): boolean;
  /** The scheduler configuration lets tasks use more memory than they reserve. */
  readonly memoryOversubscription: boolean;
  /** Secrets from Vault can be had; without it a `vault` block is refused. */
  readonly vaultEnabled: boolean;
  readonly maxPriority: number;
  /** Most allocations one job may ask for over all its groups. */
  readonly maxCount: number;
}

/** A cluster with the built-in namespace and pools and nothing switched on. */
export const DEFAULT_VALIDATE_CONTEXT: ValidateContext = {
  namespaceExists: (name) => name === "default",
  nodePoolExists: (name) => name === "default" || name === "all",
  memoryOversubscription: false,
  vaultEnabled: false,
  maxPriority: 100,
  maxCount: 50_000,
};
