package jokul

// Header names. An answer carries the last three, with HeaderResponseTimestamp in
// place of HeaderRequestTimestamp, and repeats the request's Client-Id and Request-Id.
const (
	HeaderClientID          = "Client-Id"
	HeaderRequestID         = "Request-Id"
	HeaderRequestTimestamp  = "Request-Timestamp"
	HeaderResponseTimestamp = "Response-Timestamp"
	HeaderSignature         = "Signature"
)

// Labels of the string to sign that are no headers. One client library sends a
// Request-Target header all the same; a server ignores it.
const (
	labelTarget = "Request-Target"
	labelDigest = "Digest"
)

// MaxRequestID is the longest Request-Id, in characters.
const MaxRequestID = 128
