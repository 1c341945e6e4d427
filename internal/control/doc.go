// Package control is the client of a running sandbox's control API, for the
// command line. The objects it returns are the sandbox's own types.
//
// A call fails with a *[sandbox.Problem] when the sandbox refused it and with an
// *[Unreachable] when there is no sandbox to ask; nothing is tried twice.
package control
