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
// # Protocols
//
// Two older APIs of DOKU are here as well. [Jokul] makes a client of OVO Recurring
// and OVO Open API outside SNAP: the same steps, with tokens instead of auth codes
// and customer tokens. [Push] makes one of OVO Push Payment, which needs no binding:
// the customer is asked in the OVO app while the call waits. [NewJokulReceiver] is
// the handler for the notifications of both.
//
// [Faspay] makes a client of another provider's API, OVO Tokenize, in JSON or XML:
// the merchant links a phone number and sends the customer to a page for each
// payment. [NewFaspayReceiver] is the handler for its notifications.
//
// The same thing has one name where the protocols allow it. Types that have no
// counterpart in SNAP, or another shape, begin with Jokul, Push or Faspay; errors,
// states and balances are shared.
//
//	              SNAP            Jokul           Push            Faspay
//	ask consent   Bind            Bind            –               Activate
//	hear of it    OnBinding       Tokens          –               OnActivation
//	act for it    CustomerToken   a token         –               the phone number
//	read purses   Balance         Balance         –               Balance
//	charge        Pay, Recurring  Pay             –               –
//	  on a page   Pay, Sale       PayOnPage       –               Pay
//	  in the app  –               –               Pay             –
//	hear of it    OnPayment       OnPayment       OnPayment       OnPayment
//	ask for it    Status, Settle  Status, Settle  Status, Settle  Inquire, Settle
//	give back     Refund          Refund          Void            by the provider's people
//	withdraw      –               –               –               Cancel
//	end consent   Unbind          Unbind          –               Unlink
//
// What a type or member says about form, length and meaning is the provider's rule
// unless it names Gerbang; where the documents leave a point open, it says so.
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
// the request may or may not have been carried out. Settle asks the gateway until it
// is decided, and until then the charge must not be repeated under another reference:
//
//	payment, err := client.Pay(ctx, request)
//	if errors.Is(err, ovo.ErrOutcomeUnknown) {
//		status, err := client.Settle(ctx, ovo.StatusQuery{Reference: request.Reference})
//		// status.State says how it ended.
//	}
//
// Status asks once. Its ErrNotFound soon after the charge settles nothing: the request
// may still be on its way.
//
// The client never repeats a charge or a refund by itself, with one exception
// that is safe: a SNAP request that was refused for its access token (401xx01) had
// no effect and is sent once more with a new one. Token calls and reads are repeated a
// few times when the connection breaks or a proxy finds no server.
//
// # What to believe
//
// That the customer's browser has come back proves nothing, and that a charge on a
// page or in the app was accepted says only that the customer was asked. A payment is
// made when a notification says so, or Status, or the answer to a charge without page
// of which this package says that the money has moved.
//
// A receiver is a [net/http.Handler] that checks who calls, decodes, calls the shop,
// and answers as the protocol wants. The gateway delivers at least once and in any
// order; [Seen] makes it once. An error of the shop's function makes the gateway
// deliver again. Compare the amount with what was asked for.
//
// # Use
//
// Clients and receivers may be used by many goroutines at once, and one of each is
// enough. Every call takes a context; it ends the waiting, not what the gateway may
// have begun. Secrets, tokens and signatures are never logged. The one global thing
// that is read is the clock, which Now in each config replaces.
//
// Package ovotest runs a whole gateway inside a Go test. examples/shop in this module
// is a shop that speaks all protocols.
package ovo
