# `make demo` and `make test` do everything on a fresh machine; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# Every binary carries the digest of the sources that it was built from, and the harness refuses any other.
BULKHEAD_BUILD_ID := $(shell ci/build-id)
export BULKHEAD_BUILD_ID
CARGO ?= cargo
LOCKED := --locked

.PHONY: help setup peers machine build demo test test-kubernetes demo-kubernetes e2e images cluster bench counts lint fmt-check clippy deny docs dependencies clean

help: ## what can be made
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup: ## install what the machine lacks (asks for an administrator's password if it must)
	@ci/machine install

peers: ## install the proxies that the bench compares Bulkhead with
	@ci/peers

machine:
	@ci/machine check

build: machine ## build every program
	$(CARGO) build $(LOCKED) --workspace --bins --examples

test: build ## run every test, as root or as an ordinary user
	$(CARGO) test $(LOCKED) --workspace

test-kubernetes: machine ## run the tests against a real Kubernetes API server; needs Go, and 5 minutes the first time
	$(CARGO) build $(LOCKED) -p bulkhead-ca -p bulkhead-kubernetes
	BULKHEAD_KUBERNETES=$$(ci/kubernetes) && export BULKHEAD_KUBERNETES && $(CARGO) test $(LOCKED) -p bulkhead-tests --test kubernetes

demo: build ## tell the story in network namespaces: KEEP=1 leaves it running, BREAK=n must fail at step n
	ci/demo

demo-kubernetes: machine ## tell the story on two nodes with real containers (root), or on your own cluster (KUBECONFIG=)
	ci/story demo

e2e: machine ## that, and everything that can go wrong in a cluster
	ci/story all

images: machine ## build the container images as OCI archives, without a container engine; PROFILE=dev is quicker
	@ci/images

cluster: ## start a Kubernetes of two nodes on this machine, in DIR= (root); IMAGES= are archives, DOWN=1 ends it
	@$(if $(DIR),,echo "which directory? make cluster DIR=/tmp/cluster" >&2; exit 2;) ci/cluster $(if $(DOWN),down $(DIR),up $(DIR) $(IMAGES))

bench: machine ## measure what the encryption costs, one to two hours; QUICK=1 takes six minutes, ARMS= and WORK= choose
	ci/bench

lint: fmt-check clippy deny dependencies ## format, lints, licences, and the direction of dependencies

fmt-check:
	$(CARGO) fmt --all --check

clippy:
	$(CARGO) clippy $(LOCKED) --workspace --all-targets -- -D warnings
	$(CARGO) clippy $(LOCKED) -p bulkhead-tests --test kubernetes -- -D warnings

deny:
	ci/deny

dependencies:
	ci/check-dependencies

counts: ## count the instructions of the hot pure paths; fails above the thresholds
	@ci/counts

docs: ## build the documentation of the code
	RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" $(CARGO) doc $(LOCKED) --workspace --no-deps --document-private-items

clean: ## remove what was built
	$(CARGO) clean
