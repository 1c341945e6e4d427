# Everything a developer runs. "make" alone explains itself.

GO ?= go
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
# These packages' tests run a second time, on PostgreSQL.
ON_BOTH = ./internal/gateway ./internal/dialect/... ./internal/notify ./internal/app
# SQLite is C translated to Go. Instrumented for races it costs four times the time and
# finds nothing of ours; all that calls it is instrumented.
RACE = -race -gcflags='modernc.org/...=-race=false'
STATICCHECK = $(GO) tool -modfile=tools/go.mod staticcheck

.DEFAULT_GOAL := help
.PHONY: help demo sandbox build release reproducible test test-short check lint vuln fuzz mutations planted simulate campaign older bench needs

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Play every payment journey once and show that the books balance
	$(GO) run ./cmd/gerbang demo --exit

sandbox: ## Run the sandbox on 127.0.0.1:8600
	$(GO) run ./cmd/gerbang sandbox

build: ## Build bin/gerbang, one static binary
	$(BUILD) -o bin/gerbang ./cmd/gerbang

# The same commit gives the same bytes on every machine: paths, times and the state of
# the version control stay out.
VERSION ?= $(shell git describe --tags --always --dirty)
COMMIT ?= $(shell git rev-parse HEAD)
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64
DIST ?= $(CURDIR)/dist
BUILD = CGO_ENABLED=0 GOFLAGS= GOAMD64=v1 GOARM64=v8.0 $(GO) build -trimpath -buildvcs=false -ldflags="-s -w -buildid= -X main.version=$(VERSION) -X main.commit=$(COMMIT)"

release: ## Build every platform into dist/, with checksums and bills of materials
	@rm -rf $(DIST); mkdir -p $(DIST)
	@for platform in $(PLATFORMS); do \
		os=$${platform%/*}; arch=$${platform#*/}; name=gerbang-$$os-$$arch; file=$$name; test $$os != windows || file=$$name.exe; \
		echo $$file; \
		GOOS=$$os GOARCH=$$arch $(BUILD) -o $(DIST)/$$file ./cmd/gerbang || exit 1; \
		$(GO) run -C tools ./sbom $(DIST)/$$file $(VERSION) > $(DIST)/$$name.cdx.json || exit 1; \
	done
	@cd $(DIST) && sha256sum gerbang-* > SHA256SUMS && cat SHA256SUMS

reproducible: ## Make the release again elsewhere, with an empty build cache, and compare
	@again="$$(mktemp -d)"; trap 'chmod -R u+w "$$again"; rm -rf "$$again"' EXIT; mkdir "$$again/source"; \
	git archive HEAD | tar -x -C "$$again/source"; \
	GOCACHE="$$again/cache" $(MAKE) --no-print-directory -C "$$again/source" release DIST="$$again/dist" VERSION=$(VERSION) COMMIT=$(COMMIT) PLATFORMS="$(PLATFORMS)" >/dev/null; \
	cmp $(DIST)/SHA256SUMS "$$again/dist/SHA256SUMS" && echo "The same bytes, from another directory and an empty cache."

test: needs ## Run every test with the race detector; installs compiler, browser, proxy and PostgreSQL if there are none
	$(GO) test $(RACE) -timeout 15m ./...
	GERBANG_TEST_ENGINE=postgres $(GO) test $(RACE) -timeout 15m $(ON_BOTH)

test-short: ## Run the tests that need nothing but Go
	$(GO) test -short ./...

check: lint test ## Everything that must hold before a commit

lint: ## Check format, vet, staticcheck and the module file
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these files"; exit 1; }
	$(GO) vet ./...
	$(STATICCHECK) ./...
	$(GO) mod tidy -diff

# Go's fuzzing may end a run whose time is up with "context deadline exceeded". That is no
# finding: a finding is written down.
fuzz: ## Fuzz each parser for FUZZTIME (10s)
	@out="$$(mktemp)"; trap 'rm -f "$$out"' EXIT; \
	grep -rH --include='*_test.go' -o '^func Fuzz[A-Za-z0-9]*' . | sed 's|/[^/]*:func | |' | sort -u | while read -r package target; do \
		echo "$$package $$target"; \
		$(GO) test "$$package" -run '^$$' -fuzz "^$$target$$" -fuzztime $${FUZZTIME:-10s} -fuzzminimizetime 10x </dev/null >"$$out" 2>&1; status=$$?; cat "$$out"; \
		test $$status = 0 || { grep -q 'context deadline exceeded' "$$out" && ! grep -q 'Failing input written' "$$out"; } || exit 1; \
	done

mutations: ## Change a million signed requests for each scheme; none may be accepted
	$(GO) test ./internal/dialect/... -timeout 60m -run TestChanged -mutations 1000000 -v

planted: ## Build every planted bug and run the tests that must notice it
	$(GO) test . -timeout 60m -run TestPlantedBugs -planted -v

# The simulation decides what crypto/rand gives, for the whole process: so one for each core.
SEEDS ?= 500
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
simulate: ## Play SEEDS (500) simulations of seven virtual days
	@dir="$$(mktemp -d)"; trap 'rm -rf "$$dir"' EXIT; \
	$(GO) test -c -o "$$dir/app.test" ./internal/app && cd internal/app && \
	seq 0 $$(( $(CORES) - 1 )) | xargs -P $(CORES) -I CORE sh -c \
		"$$dir/app.test -test.timeout 60m -test.run '^TestSimulation$$' -test.v -sim.first \$$(( 1 + CORE * $(SEEDS) / $(CORES) )) -sim.seeds \$$(( (CORE + 1) * $(SEEDS) / $(CORES) - CORE * $(SEEDS) / $(CORES) ))"

campaign: needs older ## Kill, crash, freeze and cut on both engines for minutes; writes docs/reliability.md
	@for engine in sqlite postgres; do \
		GERBANG_TEST_ENGINE=$$engine $(GO) test ./internal/app -timeout 60m -run '$(CAMPAIGN)' -v \
			-campaign.kills $${KILLS:-200} -campaign.rounds $${ROUNDS:-5} -campaign.step 1 -campaign.older $(CURDIR)/bin/gerbang-older -campaign.report $(CURDIR)/docs/reliability.md || exit 1; \
	done
	@! $(GO) test ./internal/app -list '$(CAMPAIGN)' | grep -q TestCampaignFreeze || \
	GERBANG_TEST_ENGINE=postgres $(GO) test ./internal/app -timeout 60m -run '^TestCampaignFreeze$$' -v \
		-campaign.freeze 90s -campaign.rounds $${FREEZES:-5} -campaign.report $(CURDIR)/docs/reliability.md

CAMPAIGN ?= TestCampaign|TestAnswersWaitForTheDisk

# The build before the last migration, from the history: of the first parent of the commit
# that brought it, unless OLDER names another one.
OLDER ?= $(shell git log -1 --first-parent --diff-merges=first-parent --no-patch --diff-filter=A --format=%H -- $(lastword $(sort $(wildcard internal/store/migrations/*.sql))))^1
older: ## Build bin/gerbang-older from the history, as it was before the last migration
	@git rev-parse --quiet --verify "$(OLDER)^{commit}" >/dev/null || { \
		echo "The campaign serves with an older build beside this one. It is built from the history, which this clone lacks:"; \
		echo "run git fetch --unshallow, or name a commit that is here with OLDER=."; exit 1; }
	@older="$$(mktemp -d)"; trap 'rm -rf "$$older"' EXIT; git archive "$(OLDER)" | tar -x -C "$$older" && cd "$$older" && \
	CGO_ENABLED=0 GOFLAGS= $(GO) build -trimpath -buildvcs=false -ldflags="-X main.version=$$(git -C $(CURDIR) rev-parse --short "$(OLDER)")" -o $(CURDIR)/bin/gerbang-older ./cmd/gerbang

# The database of vulnerabilities is asked over the network. Where that is not possible
# nothing was checked, and this says so.
vuln: ## Look for known vulnerabilities in what is reachable from the code
	@out="$$($(GO) tool -modfile=tools/go.mod govulncheck ./... 2>&1)"; status=$$?; echo "$$out"; \
	case "$$out" in \
	*"fetching vulnerabilities"*) echo "NOT CHECKED for known vulnerabilities: their database cannot be reached from here."; exit $${VULN_OFFLINE:-1};; \
	esac; exit $$status

bench: ## Run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

# The race detector needs a C compiler, the hosted pages are tested in a browser, the
# store and all above it on a PostgreSQL server that the tests start themselves, and
# system calls are traced.
needs:
	@packages=""; \
	command -v gcc >/dev/null || packages="$$packages gcc libc6-dev"; \
	command -v strace >/dev/null || packages="$$packages strace"; \
	command -v haproxy >/dev/null || test -x /usr/sbin/haproxy || packages="$$packages haproxy"; \
	test -n "$(CHROMIUM)" || packages="$$packages chromium"; \
	command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || packages="$$packages postgresql"; \
	test -z "$$packages" && exit 0; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
		echo "installing$$packages"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$packages >/dev/null; \
	else \
		echo "The tests need$$packages: install them, or name a browser with CHROMIUM=/path/to/it. 'make test-short' needs none of them."; exit 1; \
	fi
