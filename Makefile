# Everything runs with the Node that npm installs (24), whatever the machine's own one is.
SHELL := /bin/sh
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
INSTALLED := node_modules/.package-lock.json

SEED ?= 1
SEEDS ?= 100

.PHONY: help setup build check fix test unit sim sim-coverage cluster-sim cluster-sim-coverage integ conformance e2e bench soak demo demo-real demo-embedded dev package raft-package clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Prepare a fresh clone: install what package-lock.json names

$(INSTALLED): package-lock.json
	@echo "Installing the packages of package-lock.json into node_modules (npm ci) ..."
	@npm ci --loglevel=error
	@touch $@

build: setup ## Compile the types (the sources themselves run unbuilt)
	@tsc -b

check: setup ## Read-only checks: types, lint, layers, purity, tidy, unused code, documents
	@node scripts/check.ts

fix: setup ## Format, and draw the package graph again: the only target that edits sources
	@node scripts/fix.ts

test: setup ## Everything a change must pass, on real Docker and Consul where they can be had
	@node scripts/test.ts

unit: setup ## The tests of each package
	@node scripts/test.ts unit machine

sim: setup ## Simulate consensus: make sim SEED=1 SEEDS=100
	@node packages/node-raft/src/sim/cli.ts --seed $(SEED) --seeds $(SEEDS)

sim-coverage: setup ## Production lines of consensus that its simulation runs: make sim-coverage SEEDS=100
	@node --disable-warning=ExperimentalWarning test/sim/coverage.ts --raft --seed $(SEED) --seeds $(SEEDS)

cluster-sim: setup ## Simulate whole clusters: make cluster-sim SEED=1 SEEDS=100
	@node test/sim/cli.ts --seed $(SEED) --seeds $(SEEDS)

cluster-sim-coverage: setup ## Production lines that the cluster simulation runs: make cluster-sim-coverage SEEDS=100
	@node --disable-warning=ExperimentalWarning test/sim/coverage.ts --seed $(SEED) --seeds $(SEEDS)

integ: setup ## Several agents on loopback
	@node scripts/test.ts integ

conformance: setup ## Recordings of a real Nomad, replayed
	@node scripts/test.ts conformance

e2e: setup ## Clusters of real agents on real Docker and Consul
	@node scripts/test.ts e2e

bench: setup ## Measure: each figure beside its target and its floor (wants a quiet machine)
	@node scripts/bench.ts

soak: setup ## What takes hours: thousands of simulated worlds, and every planted bug
	@node packages/node-raft/src/sim/soak-cli.ts --from $(SEED) --seeds 100000
	@node packages/node-raft/src/sim/cli.ts --kill-list
	@node packages/node-raft/src/lockstep/oracle-cli.ts --schedules 10000
	@node packages/node-raft/src/lockstep/oracle-cli.ts --mutants
	@node test/sim/cli.ts --seed $(SEED) --seeds 20000 --quiet
	@node test/small-scope/cli.ts --wide --audit 50
	@node packages/node-raft/src/real/cli.ts --members 3 --minutes 10 --seed $(SEED)
	@node packages/node-raft/src/real/cli.ts --members 5 --minutes 10 --seed $(SEED)
	@node packages/node-raft/bench/soak.bench.ts --proposals 10000000 --minutes 10

demo: setup ## Watch a cluster of three roll a job out, and take a bad version back
	@node scripts/demo.ts

demo-real: setup ## The same, on a Docker and a Consul of its own, set up by apt (root on Debian)
	@node scripts/demo.ts --real

demo-embedded: setup ## The same without Docker and Consul: raw_exec and built-in checks
	@node scripts/demo.ts --embedded

dev: setup ## One agent for trying out, from source: http://127.0.0.1:4646
	@drover agent -dev

package: setup ## One self-contained program and a Debian package, in dist/
	@node scripts/package.ts

raft-package: setup ## @raft/node-raft for other programs: dist/raft-node-raft-VERSION.tgz
	@node scripts/package.ts --library

clean: ## Remove what was built
	@rm -rf .build dist
