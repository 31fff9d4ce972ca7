/** Drover's own version, and the version of the interfaces it speaks: what scripts and job
 * constraints (`${attr.nomad.version}`) look at. */
export const DROVER_VERSION = "0.1.0";
export const COMPATIBILITY_VERSION = "2.0.6-dev";
