// Package gerbang holds no code, only the tests that keep the repository in order:
// which package may import which, and what no package may do.
package gerbang
