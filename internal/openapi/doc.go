// Package openapi writes an OpenAPI 3.1 document from the calls that the dialects and
// the sandbox describe. The members of every body come from the Go types that are
// really encoded, so that the document cannot say anything else.
//
// It knows no call by itself: whoever mounts a path describes it.
package openapi
