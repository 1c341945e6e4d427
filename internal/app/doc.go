// Package app puts Gerbang together: it builds every part from a Config, starts
// them, and stops them in an order that loses nothing. It is the only package
// that knows all others, and it holds no rule of its own.
//
// A stop works from the outside in: calls that wait are answered as pending, no
// new connections are taken, running calls finish, the
// notifier finishes its attempts, then the database closes.
package app
