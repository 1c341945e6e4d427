// Package webtest drives Chromium in tests of pages. It reports what a page must
// not do: errors in scripts, violations of its policy, requests to other hosts.
package webtest
