package snap

import (
	"encoding/json"

	"github.com/gerbang-pay/gerbang/internal/money"
)

// Fixed values of the OVO product.
const (
	Channel  = "EMONEY_OVO_SNAP" // additionalInfo.channel
	Acquirer = "OVO"             // additionalInfo.acquirerId, acquirer.id
	Currency = "IDR"             // the only one
)

// Purses, in payMethod and balanceType.
const (
	PurseCash   = "CASH"
	PursePoints = "POINTS"
)

// Money is SNAP's amount: text with exactly two decimals, and a currency.
type Money struct {
	Value    string `json:"value"`
	Currency string `json:"currency"`
}

// NewMoney returns a as SNAP writes it.
func NewMoney(a money.Amount) Money {
	return Money{Value: a.SNAP(), Currency: Currency}
}

// Literal is text that some parties send as a JSON number and others as a string.
// It is printed as a string, the documented type.
type Literal string

// UnmarshalJSON accepts a string, a number or null, and keeps a number's token as written.
func (l *Literal) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, (*string)(l))
	}
	var number json.Number
	if err := json.Unmarshal(data, &number); err != nil {
		return err
	}
	*l = Literal(number)
	return nil
}

// LineItem is one article of a payment.
type LineItem struct {
	Name     string  `json:"name,omitempty"` // up to 32 characters
	Price    Literal `json:"price,omitempty"`
	Quantity Literal `json:"quantity,omitempty"`
}

// Origin is what client libraries add about themselves; a server ignores it.
type Origin struct {
	Product       string `json:"product,omitempty"`
	Source        string `json:"source,omitempty"`
	SourceVersion string `json:"sourceVersion,omitempty"`
	System        string `json:"system,omitempty"`
	APIFormat     string `json:"apiFormat,omitempty"`
}

// ChannelInfo is the additionalInfo of calls that need nothing but the channel.
type ChannelInfo struct {
	Channel string  `json:"channel"`
	Origin  *Origin `json:"origin,omitempty"`
}
