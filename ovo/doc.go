// Package ovo takes OVO e-wallet payments for a merchant.
//
// [SNAP] makes a client of the current API, Bank Indonesia's SNAP standard as
// DOKU publishes it for OVO; it serves DOKU itself and every Gerbang server.
// [NewSNAPReceiver] makes the other half: the handler that the gateway's
// notifications reach. A customer is bound once and charged as often as agreed:
//
//	client, err := ovo.SNAP(ovo.SNAPConfig{
//		BaseURL: ovo.SNAPSandbox, ClientID: "BRN-…", SecretKey: "SK-…", PrivateKey: key,
//	})
//	binding, err := client.Bind(ctx, ovo.BindRequest{
//		Phone: "081211111111", CustomerID: "cust-1", SuccessURL: okURL, FailureURL: failURL,
//	})
//	// Send the customer's browser to binding.RedirectURL, wait for OnBinding. Then:
//	token, err := client.CustomerToken(ctx, binding.AuthCode)
//	payment, err := client.Pay(ctx, ovo.PayRequest{
//		CustomerToken: token.AccessToken, Reference: "INV-1", Type: ovo.Recurring, Amount: 15000,
//	})
//
// Two older APIs of DOKU are here as well. [Jokul] makes a client of OVO Recurring
// and OVO Open API outside SNAP: the same steps, with tokens instead of auth codes
// and customer tokens. [Push] makes one of OVO Push Payment, which needs no binding:
// the customer is asked in the OVO app while the call waits. [NewJokulReceiver] is
// the handler for the notifications of both. What has no counterpart in SNAP, or
// another shape, is called Jokul… or Push…; errors, states and balances are shared.
//
// [Faspay] makes a client of another provider's API, OVO Tokenize, in JSON or XML:
// the merchant links a phone number and sends the customer to a page for each
// payment. [NewFaspayReceiver] is the handler for its notifications.
//
// # Amounts
//
// Every amount is a whole number of rupiah in an int64: 15000 is Rp15.000. There
// are no sen. What can be charged or returned is 1 to 999,999,999,999.
//
// # When a charge fails
//
// A refusal is an [*Error] and matches one of the Err values of this package with
// errors.Is. The one that needs care is [ErrOutcomeUnknown], from Pay and Refund:
// the request may or may not have been carried out. Ask Status, and do not repeat
// the charge under another reference before it has answered:
//
//	payment, err := client.Pay(ctx, request)
//	if errors.Is(err, ovo.ErrOutcomeUnknown) {
//		status, err := client.Status(ctx, ovo.StatusQuery{Reference: request.Reference})
//		// State.Final() settles it. ErrNotFound soon after the charge does not:
//		// the request may still be on its way. Ask again later.
//	}
//
// The client never repeats a charge or a refund by itself, with one exception
// that is safe: a SNAP request that was refused for its access token (401xx01) had
// no effect and is sent once more with a new one. Token calls and reads are repeated
// once when the connection breaks.
package ovo
