package issuer

import (
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// Bodies of the API beside those in wallet.go; the sandbox takes some of them, too. A request's members that may be left
// out are marked omitempty.
type (
	TopUp struct {
		Cash   money.Amount `json:"cash,omitempty"`
		Points money.Amount `json:"points,omitempty"`
	}
	StatusChange struct {
		Status gateway.WalletStatus `json:"status"`
	}
	pinChange struct {
		PIN string `json:"pin"`
	}
	NumberChange struct {
		Phone string `json:"phone"`
	}
	approval struct {
		PIN string     `json:"pin"`
		Use ledger.Use `json:"use,omitempty"` // default cash
	}

	walletList struct {
		Wallets []listedWallet `json:"wallets"`
	}
	listedWallet struct {
		Phone  gateway.Phone        `json:"phone"`
		Name   string               `json:"name"`
		Status gateway.WalletStatus `json:"status"`
		Cash   money.Amount         `json:"cash"`
		Points money.Amount         `json:"points"`
	}
	promptList struct {
		Prompts []Prompt `json:"prompts"`
	}
	paymentList struct {
		Payments []listedPayment `json:"payments"`
	}
	listedPayment struct {
		ID       gateway.PaymentID    `json:"id"`
		Merchant string               `json:"merchant"`
		Number   string               `json:"reference"`
		Amount   money.Amount         `json:"amount"`
		State    gateway.PaymentState `json:"state"`
		Cash     money.Amount         `json:"cash_used"`
		Points   money.Amount         `json:"points_used"`
		Refunded money.Amount         `json:"refunded"`
		FinalAt  time.Time            `json:"final_at"`
	}
)

// PromptAnswer is the JSON form of how a push ended.
type PromptAnswer struct {
	State  gateway.PaymentState `json:"state"`
	Cash   money.Amount         `json:"cash_used"`
	Points money.Amount         `json:"points_used"`
}

// message is the JSON form of a message, as docs/issuer.md describes it.
type message[D codeData | promptData] struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      D         `json:"data"`
}

type codeData struct {
	Phone     gateway.Phone `json:"phone"`
	Code      string        `json:"code"`
	Purpose   string        `json:"purpose"` // "binding" or "payment"
	Merchant  string        `json:"merchant"`
	Amount    money.Amount  `json:"amount,omitempty"`
	ExpiresAt time.Time     `json:"expires_at"`
}

type promptData struct {
	Phone gateway.Phone `json:"phone"`
	Prompt
}
