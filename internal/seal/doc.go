// Package seal keeps secrets unreadable at rest: it encrypts what must be read
// back (client secrets, private keys, page keys) and makes keyed digests of what
// must only be recognised (one-time codes, PINs, page keys in a URL).
//
// Everything derives from 32-byte master keys that live outside the database, so
// a stolen database file alone reveals nothing. That matters most for six-digit
// codes: any unkeyed hash of them is reversed by trying a million inputs.
//
// Master keys have versions, so that one can take another's place. The newest
// seals and digests, all of them open and recognise. A sealed text is "v<version>:"
// followed by unpadded base64url of nonce and AES-256-GCM ciphertext. The purpose
// given when sealing is authenticated with it, so a sealed value moved to another
// column does not open. A digest is 64 hexadecimal digits, behind "v<version>:"
// unless that is 1.
package seal
