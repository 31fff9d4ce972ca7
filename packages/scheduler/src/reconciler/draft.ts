/**
 * What the passes of an evaluation have decided so far, over all groups. Who lets it take an act
 * down gets an `Acted` for it, and there is no other way to come by one: `open.ts` says what for.
 */
import type {
  DeploymentState,
  DesiredUpdates,
  Evaluation,
  PlannedAttributeUpdate,
  Reason,
} from "@drover/model";
import type {
  DestructiveRequest,
  GoRequest,
  InPlaceRequest,
  PlaceRequest,
  StopRequest,
} from "./types.ts";

declare const acted: unique symbol;
/** Proof that something was decided: nobody else can name the symbol. */
export interface Acted {
  readonly [acted]: true;
}

const ACTED = Object.freeze({}) as Acted;

/** Another step decides about it: one that has `list` to account for. */
export function passOn<T>(item: T, list: T[]): Acted {
  list.push(item);
  return ACTED;
}

export class Draft {
  readonly #stops: StopRequest[] = [];
  readonly #inPlace: InPlaceRequest[] = [];
  readonly #destructive: DestructiveRequest[] = [];
  readonly #goes: GoRequest[] = [];
  readonly #places: PlaceRequest[] = [];
  readonly attributeUpdates: PlannedAttributeUpdate[] = [];
  readonly followups: Evaluation[] = [];
  readonly desired: Record<string, DesiredUpdates> = {};
  /** What this pass leaves undone, and why. */
  readonly waits: Reason[] = [];
  /** Groups that get a part in a new deployment. */
  readonly deploymentGroups: Record<string, DeploymentState> = {};

  get stops(): readonly StopRequest[] {
    return this.#stops;
  }

  get inPlace(): readonly InPlaceRequest[] {
    return this.#inPlace;
  }

  get destructive(): readonly DestructiveRequest[] {
    return this.#destructive;
  }

  get goes(): readonly GoRequest[] {
    return this.#goes;
  }

  get places(): readonly PlaceRequest[] {
    return this.#places;
  }

  stop(request: StopRequest): Acted {
    this.#stops.push(request);
    return ACTED;
  }

  updateInPlace(request: InPlaceRequest): Acted {
    this.#inPlace.push(request);
    return ACTED;
  }

  replace(request: DestructiveRequest): Acted {
    this.#destructive.push(request);
    return ACTED;
  }

  go(request: GoRequest): Acted {
    this.#goes.push(request);
    return ACTED;
  }

  place(request: PlaceRequest): Acted {
    this.#places.push(request);
    return ACTED;
  }
}
