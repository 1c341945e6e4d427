# Everything a developer runs. "make" alone explains itself.

GO ?= go
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
STATICCHECK = $(GO) tool -modfile=tools/go.mod staticcheck

.DEFAULT_GOAL := help
.PHONY: help demo sandbox build test test-short check lint fuzz bench needs

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Play every payment journey once and show that the books balance
	$(GO) run ./cmd/gerbang demo --exit

sandbox: ## Run the sandbox on 127.0.0.1:8600
	$(GO) run ./cmd/gerbang sandbox

build: ## Build bin/gerbang, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags="-s -w" -o bin/gerbang ./cmd/gerbang

test: needs ## Run every test with the race detector; installs compiler and browser if there are none
	$(GO) test -race -timeout 15m ./...

test-short: ## Run the tests that need nothing but Go
	$(GO) test -short ./...

check: lint test ## Everything that must hold before a commit

lint: ## Check format, vet, staticcheck and the module file
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these files"; exit 1; }
	$(GO) vet ./...
	$(STATICCHECK) ./...
	$(GO) mod tidy -diff

fuzz: ## Fuzz each parser for FUZZTIME (10s)
	@grep -rH --include='*_test.go' -o '^func Fuzz[A-Za-z0-9]*' . | sed 's|/[^/]*:func | |' | sort -u | while read -r package target; do \
		echo "$$package $$target"; $(GO) test "$$package" -run '^$$' -fuzz "^$$target$$" -fuzztime $${FUZZTIME:-10s} -fuzzminimizetime 10x </dev/null || exit 1; \
	done

bench: ## Run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

# The race detector needs a C compiler, the hosted pages are tested in a browser.
needs:
	@packages=""; \
	command -v gcc >/dev/null || packages="$$packages gcc libc6-dev"; \
	test -n "$(CHROMIUM)" || packages="$$packages chromium"; \
	test -z "$$packages" && exit 0; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
		echo "installing$$packages"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$packages >/dev/null; \
	else \
		echo "The tests need$$packages: install them, or name a browser with CHROMIUM=/path/to/it. 'make test-short' needs neither."; exit 1; \
	fi
