package gerbang

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/dialect/faspay"
	"github.com/gerbang-pay/gerbang/internal/dialect/jokul"
	"github.com/gerbang-pay/gerbang/internal/dialect/snap"
	"github.com/gerbang-pay/gerbang/internal/gateway"
)

var update = flag.Bool("update", false, "write docs/errors.md anew")

// docs/errors.md is written from the dialects' own tables, so it cannot be wrong.
// Run go test . -update after a change to them.
func TestErrorsDocument(t *testing.T) {
	t.Parallel()
	var doc strings.Builder
	fmt.Fprint(&doc, `# Every refusal, in every protocol

The gateway has one word for each way a call can end without success. Each dialect has one table from that word to its
protocol's answer. This page is written by a test from those tables.

SNAP: the response code, with ss for the two digits of the service, then the message; where a
service has an answer of its own it follows with its number. Jokul: HTTP status, error code and message; beside it OVO's
response code of a push payment. Faspay: the response code and its text, in the service's own answer or, after the word
error, as response_error, under HTTP 200 where no other status is named.

| outcome | SNAP | Jokul | push | Faspay |
| --- | --- | --- | --- | --- |
`)
	for _, c := range gateway.Codes() {
		answer, push := jokul.Describe(c)
		fmt.Fprintf(&doc, "| %s | %s | %s | %s | %s |\n", c, snap.Describe(c), answer, push, faspay.Describe(c))
	}
	const name = "docs/errors.md"
	if *update {
		if err := os.WriteFile(name, []byte(doc.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != doc.String() {
		t.Errorf("%s is not what the tables say; run: go test . -update", name)
	}
}
