package faspay

// Values of response_code. The guide of OVO Tokenize knows the first three alone;
// the others come from the general list of the gateway's debit services.
const (
	CodeSuccess         = "00"
	CodeFailed          = "01"
	CodeRenew           = "02" // payment only: the customer must renew the link first
	CodeInvalidMerchant = "03"
	CodeInvalidAmount   = "13"
	CodeInvalidOrder    = "14"
	CodeCancelled       = "17"
	CodeInvalidCustomer = "18"
	CodeSubscriptionEnd = "21"
	CodeFormat          = "30"
	CodeNotSupported    = "40"
	CodeOrderExpired    = "54"
	CodeCredentials     = "55"
	CodeAddress         = "56" // two pages of the provider swap 56 and 63
	CodeInactive        = "63"
	CodeInternal        = "66"
	CodeReversed        = "80"
	CodeAlreadyPaid     = "81"
	CodeUnregistered    = "82"
	CodeMissing         = "83"
	CodeUnknownFields   = "84"
	CodeTooFewFields    = "85"
	CodeMalfunction     = "96"
)

// Codes lists every response code with a text for response_desc, which no client
// reads as more than that. It must not be changed.
var Codes = []Error{
	{CodeSuccess, "Success"},
	{CodeFailed, "Failed"},
	{CodeRenew, "Failed, the customer must renew the payment token"},
	{CodeInvalidMerchant, "Unknown merchant"},
	{CodeInvalidAmount, "Amount not acceptable"},
	{CodeInvalidOrder, "Unknown order"},
	{CodeCancelled, "Order was cancelled"},
	{CodeInvalidCustomer, "Unknown customer or phone number"},
	{CodeSubscriptionEnd, "Subscription has ended"},
	{CodeFormat, "Malformed request"},
	{CodeNotSupported, "Service is not offered"},
	{CodeOrderExpired, "Order has expired"},
	{CodeCredentials, "Wrong user, password or signature"},
	{CodeAddress, "Calls from this address are not allowed"},
	{CodeInactive, "Merchant is not active"},
	{CodeInternal, "Internal error"},
	{CodeReversed, "Payment was reversed"},
	{CodeAlreadyPaid, "Order is already paid"},
	{CodeUnregistered, "Not registered for this payment channel"},
	{CodeMissing, "A mandatory field is missing"},
	{CodeUnknownFields, "There are fields that do not belong here"},
	{CodeTooFewFields, "There are too few fields"},
	{CodeMalfunction, "System malfunction"},
}

// CodeText returns the text of a response code, "" for an unknown one.
func CodeText(code string) string {
	for _, c := range Codes {
		if c.Code == code {
			return c.Desc
		}
	}
	return ""
}

// Error is a response code with its text: what the gateway answers when a request
// does not get as far as its service.
type Error struct {
	Code string `json:"response_code"`
	Desc string `json:"response_desc"`
}

func (e *Error) Error() string { return "faspay: " + e.Code + " " + e.Desc }

// ErrorAnswer is the answer that carries an [Error]. The two members behind it
// repeat it for clients that know nothing but the members of the guide.
type ErrorAnswer struct {
	Error Error  `json:"response_error"`
	Code  string `json:"response_code,omitempty"`
	Desc  string `json:"response_desc,omitempty"`
}

// NewErrorAnswer answers with code, and with its usual text if desc is empty.
func NewErrorAnswer(code, desc string, flat bool) ErrorAnswer {
	if desc == "" {
		desc = CodeText(code)
	}
	a := ErrorAnswer{Error: Error{code, desc}}
	if flat {
		a.Code, a.Desc = code, desc
	}
	return a
}

// Values of payment_status_code. 6 is not assigned.
const (
	StatusUnprocessed = "0"
	StatusInProcess   = "1"
	StatusSuccess     = "2"
	StatusFailed      = "3"
	StatusReversed    = "4"
	StatusNoBill      = "5" // in inquiry answers only
	StatusExpired     = "7"
	StatusCancelled   = "8"
	StatusUnknown     = "9"
)

// StatusText returns the documented payment_status_desc.
func StatusText(status string) string {
	switch status {
	case StatusUnprocessed:
		return "Unprocessed"
	case StatusInProcess:
		return "In Process"
	case StatusSuccess:
		return "Payment Success"
	case StatusFailed:
		return "Payment Failed"
	case StatusReversed:
		return "Payment Reversal"
	case StatusNoBill:
		return "No bills found"
	case StatusExpired:
		return "Payment Expired"
	case StatusCancelled:
		return "Payment Cancelled"
	}
	return "Unknown"
}
