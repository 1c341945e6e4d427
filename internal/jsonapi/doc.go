// Package jsonapi is the form of the JSON APIs that are Gerbang's own, the sandbox's
// and the issuer's: an answer or an error of a handler as HTTP, refusals as problem
// details (RFC 9457), bodies without unknown members. It knows no API.
package jsonapi
