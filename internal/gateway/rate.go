package gateway

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// MinCallRate is the least number of calls a second that a merchant may be held to.
const MinCallRate = 100

// AdmitCall counts a call of a merchant, of whatever protocol, and refuses it with
// TooManyCalls when the merchant calls more often than it may. Dialects ask once it
// is known who called: a stranger uses up nobody's share.
func (g *Gateway) AdmitCall(m Merchant) error {
	perSecond := m.CallRate
	if perSecond == 0 {
		perSecond = g.rules.CallRate
	}
	if perSecond == 0 || g.calls.allow(m.ID, perSecond, g.clock.Now()) {
		return nil
	}
	return &Error{Code: TooManyCalls, Detail: fmt.Sprintf("the merchant may make %d calls a second; repeat this one after a second", perSecond), RetryAfter: time.Second}
}

// callRates has a token bucket for each merchant that called, of this process: a
// limit shared by all would be a row or a service that every call waits for.
type callRates struct {
	mu         sync.Mutex
	byMerchant map[MerchantID]*rate.Limiter
}

func (c *callRates) allow(id MerchantID, perSecond int, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	limiter := c.byMerchant[id]
	if limiter == nil || limiter.Limit() != rate.Limit(perSecond) { // the merchant is new, or has another rate by now
		if c.byMerchant == nil {
			c.byMerchant = map[MerchantID]*rate.Limiter{}
		}
		limiter = rate.NewLimiter(rate.Limit(perSecond), 2*perSecond)
		c.byMerchant[id] = limiter
	}
	return limiter.AllowN(now, 1)
}

func checkCallRate(perSecond int) error {
	if perSecond != 0 && perSecond < MinCallRate {
		return refuse(Invalid, fmt.Sprintf("a merchant may make at least %d calls a second; 0 is what the installation allows", MinCallRate))
	}
	return nil
}

// Ask is something that is sent to a wallet's owner on a merchant's word.
type Ask string

const (
	AskCode   Ask = "code"   // a one-time code
	AskPrompt Ask = "prompt" // a push to be answered
)

// countAsk counts what is about to be sent to a wallet's owner, or refuses with
// TooManyAsks. perHour of a kind may be sent at once, and as many each hour.
func (g *Gateway) countAsk(tx Tx, w WalletID, ask Ask, perHour int) error {
	if perHour == 0 {
		return nil
	}
	every := time.Hour / time.Duration(perHour)
	counted, err := tx.CountAsk(w, ask, every, time.Hour-every)
	if err == nil && !counted {
		return &Error{Code: TooManyAsks, Detail: "the wallet's owner was asked too often within the hour; try again later", RetryAfter: every}
	}
	return err
}
