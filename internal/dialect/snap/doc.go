// Package snap speaks DOKU's OVO over SNAP, Bank Indonesia's open-API standard:
// today's direct-debit paths and the archived "OVO Open API" paths, which differ
// in nothing else.
//
//	service  call                      path
//	73       token B2B                 /authorization/v1/access-token/b2b
//	74       token B2B2C               /authorization/v1/access-token/b2b2c
//	07       account binding           /direct-debit/core/v1/registration-account-binding
//	11       balance inquiry           /direct-debit/core/v1/balance-inquiry
//	54       payment host to host      /direct-debit/core/v1/debit/payment-host-to-host
//	55       payment status            /orders/v1.0/debit/status
//	58       refund                    /direct-debit/core/v1/debit/refund
//	09       account unbinding         /direct-debit/core/v1/registration-account-unbinding
//	56, 07   notifications, outwards   the merchant's URLs
//
// It is a translator: authenticate, decode, one call of the gateway, encode. It
// keeps no state but merchants' tokens, moves no money and judges no payment.
// Files: routes.go the surface, admit.go the checks before a call counts,
// handlers.go the calls, codes.go every number of the protocol, notify.go the way
// out.
//
// Shapes, signatures and formats are in package wire/snap. Sources, and where
// this server differs from them, are in docs/protocols/snap.md.
package snap
