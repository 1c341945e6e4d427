package faspay

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// Scheme names the signing rule in a [wire.Verdict].
const Scheme = "faspay"

// Sign returns the signature of a message: the SHA-1 of the lower-case hexadecimal
// text of the MD5 of user id, password and signed, in lower-case hexadecimal.
//
// signed depends on the message: phone_no as sent (all services but two), bill_no
// (inquiry, cancel), bill_no and status code (notification, return URL). Nothing
// else of a message is protected.
func Sign(userID, password, signed string) string {
	_, signature := sum(userID, password, signed)
	return string(signature[:])
}

// sum also returns the hexadecimal MD5 on the way to the signature.
func sum(userID, password, signed string) (digest [2 * md5.Size]byte, signature [2 * sha1.Size]byte) {
	var room [128]byte
	inner := md5.Sum(append(append(append(room[:0], userID...), password...), signed...))
	hex.Encode(digest[:], inner[:])
	outer := sha1.Sum(digest[:])
	hex.Encode(signature[:], outer[:])
	return digest, signature
}

// passwordPlace stands for the password in a verdict's string to sign.
const passwordPlace = "{password}"

// Verify checks the signature of a message in constant time. It may be written in
// either letter case. Empty credentials match nothing; to spend the same time on
// an unknown merchant, verify with made-up ones.
//
// The verdict's string to sign has {password} in the place of the password, and its
// digest is the MD5. It has no hint: [Explain] searches one.
func Verify(userID, password, signed, signature string) wire.Verdict {
	digest, expected := sum(userID, password, signed)
	same := subtle.ConstantTimeCompare([]byte(strings.ToLower(signature)), expected[:]) == 1
	return wire.Verdict{
		Scheme:       Scheme,
		OK:           same && userID != "" && password != "",
		StringToSign: userID + passwordPlace + signed,
		Digest:       string(digest[:]),
		Expected:     string(expected[:]),
		Received:     signature,
	}
}
