package jokul

// Applies tells which of OVO's calls a response code belongs to.
type Applies string

const (
	// AppliesPayment marks what a push payment may be answered with.
	AppliesPayment Applies = "P"
	// AppliesQuery marks what only OVO's own status query answers. That query runs
	// behind the gateway, and a push payment is never answered so.
	AppliesQuery Applies = "Q"
)

// ResponseCode is one row of OVO's table for ovo_payment.response_code.
type ResponseCode struct {
	Code    string
	Meaning string // for people
	Applies Applies
	Status  string // ovo_payment.status that goes with it; empty for AppliesQuery
}

// ResponseCodes is the whole table. BR has two rows: one code with two meanings.
// It must not be changed.
var ResponseCodes = []ResponseCode{
	{"00", "The customer paid.", AppliesPayment, StatusSuccess},
	{"13", "The amount is missing or below 1 rupiah.", AppliesPayment, StatusFailed},
	{"14", "No OVO account has this phone number.", AppliesPayment, StatusFailed},
	{"17", "The customer declined in the app.", AppliesPayment, StatusFailed},
	{"25", "No such payment exists.", AppliesQuery, ""},
	{"26", "The request could not be delivered to the customer's phone.", AppliesPayment, StatusFailed},
	{"40", "OVO failed without naming a cause.", AppliesPayment, StatusFailed},
	{"54", "The payment is too old: more than seven days to be queried, of another day to be taken back.", AppliesQuery, ""},
	{"56", "The customer's card is blocked; OVO's hotline is 1500696.", AppliesPayment, StatusFailed},
	{"58", "This kind of payment is not enabled for the merchant.", AppliesPayment, StatusFailed},
	{"61", "The amount or number of payments exceeds the limit that the customer set.", AppliesPayment, StatusFailed},
	{"63", "The customer could not be authenticated.", AppliesPayment, StatusFailed},
	{"64", "The customer's account is blocked; OVO's hotline is 1500696.", AppliesPayment, StatusFailed},
	{"65", "The amount or number of payments exceeds a limit of the account.", AppliesPayment, StatusFailed},
	{"67", "The amount is below the smallest one allowed.", AppliesPayment, StatusFailed},
	{"68", "The wallet did not answer in time; the outcome is not known yet.", AppliesPayment, StatusTimeout},
	{"73", "The payment was reversed or refunded.", AppliesQuery, ""},
	{"94", "The invoice number or reference number was used before.", AppliesPayment, StatusFailed},
	{"96", "The query had a wrong processing code.", AppliesQuery, ""},
	{"ER", "OVO's system failed or does not know the credentials.", AppliesPayment, StatusFailed},
	{"EB", "The terminal or merchant id is not registered at OVO.", AppliesPayment, StatusFailed},
	{"TO", "The gateway's own call to OVO was more than five minutes old.", AppliesPayment, StatusFailed},
	{"BR", "The call to OVO was not well-formed JSON.", AppliesPayment, StatusFailed},
	{"BR", "The call to OVO had a wrong store code or application source.", AppliesPayment, StatusFailed},
	{"-", "The customer did not react in time.", AppliesPayment, StatusFailed},
}

// FindResponseCode returns the first row of a code.
func FindResponseCode(code string) (ResponseCode, bool) {
	for _, row := range ResponseCodes {
		if row.Code == code {
			return row, true
		}
	}
	return ResponseCode{}, false
}
