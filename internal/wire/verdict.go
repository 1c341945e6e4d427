package wire

// Verdict is the outcome of checking one signature, with all that somebody needs
// to find out why it did not match. It holds the access token and the expected
// signature in clear: it is for the sandbox's request log and for a merchant's
// own terminal, never for an answer to the caller and never for production logs.
type Verdict struct {
	// Scheme names the signing rule: "snap-symmetric", "snap-asymmetric", ….
	Scheme string `json:"scheme"`
	OK     bool   `json:"ok"`
	// Matched names the form of the body that was signed: raw, stripped or canonical.
	Matched      string `json:"matched,omitempty"`
	StringToSign string `json:"string_to_sign"`
	// Digest is the body's digest as it stands in the string to sign.
	Digest string `json:"digest,omitempty"`
	// Expected is empty where it cannot be known: only the signer has the private key.
	Expected string `json:"expected,omitempty"`
	Received string `json:"received"`
	// Hint says in words what the caller probably did wrong.
	Hint string `json:"hint,omitempty"`
	// Signed is the string that the caller signed, where the mistake was found, and
	// DiffersAt the byte of StringToSign at which the two part.
	Signed    string `json:"signed,omitempty"`
	DiffersAt *int   `json:"differs_at,omitempty"`
	// SignedBody is the body that the caller signed, where it is not the one sent.
	SignedBody string `json:"signed_body,omitempty"`
}

// VerifyAny checks a signature under each of the keys and returns the first verdict
// that is yes, with its key, else that of the first key. Every key is tried, so
// that the time it takes does not tell which one matched.
func VerifyAny[Key any](keys []Key, verify func(Key) Verdict) (Verdict, Key) {
	verdict, matched := verify(keys[0]), keys[0]
	for _, key := range keys[1:] {
		if v := verify(key); v.OK && !verdict.OK {
			verdict, matched = v, key
		}
	}
	return verdict, matched
}

// Note is what a dialect tells the request log about one call.
type Note struct {
	Reason  string
	Verdict *Verdict
}
