package gateway

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/recent"
	"github.com/gerbang-pay/gerbang/internal/seal"
)

// Gateway is the core. It is safe for concurrent use.
type Gateway struct {
	store     Store
	clock     Clock
	keys      *seal.Keyring
	secrets   *secretHasher
	rules     Rules
	retention Retention
	keepCodes bool
	merchants merchantCache
	calls     callRates
	phones    *recent.Map[BindingID, Phone] // of bindings, which keep theirs
	idSource
	notified chan struct{}
	messages bool          // they leave for the issuer
	messaged chan struct{} // one was queued
	waits    waits
	feed     *Feed
	force    func(context.Context, Operation) (Outcome, bool)
	signal   func(string)

	factor     Demand
	breached   Breached
	nobodyOnce sync.Once
	nobodyHash string // what the password of an unknown user is compared with
}

// Config is what a Gateway needs. Store, Clock and Keys are required.
type Config struct {
	Store     Store
	Clock     Clock
	Keys      *seal.Keyring
	Rules     Rules     // zero members take DefaultRules
	Retention Retention // zero members take DefaultRetention; never less than two days
	PINCost   PINCost   // zero takes DefaultPINCost
	Factor    Demand    // which people must have a second factor; zero is nobody
	Breached  Breached  // passwords that nobody may choose; nil knows none
	// Force, when set, may decide an operation before the rules do. Only the
	// sandbox sets it.
	Force func(context.Context, Operation) (Outcome, bool)
	// Signal, when set, tells other processes over the same database what Heard must
	// know. It must not block.
	Signal func(signal string)
	// Messages queues what wallets' owners must be told, for ClaimMessages.
	Messages  bool
	KeepCodes bool // keep readable, sealed copies of one-time codes and PINs: the sandbox shows them
}

// Rules are the numbers that the providers' documents leave open.
type Rules struct {
	PageLife          time.Duration
	OTPLife           time.Duration
	OTPTries          int // wrong codes until a page fails
	OTPSends          int // codes that one page may send
	PINTries          int // wrong PINs in a row until the wallet locks
	PINLock           time.Duration
	BindingLife       time.Duration
	CustomerTokenLife time.Duration
	RefreshTokenLife  time.Duration
	PushWait          time.Duration // how long a push waits for the customer
	UncertainLife     time.Duration // how long an uncertain outcome may be asked for
	MinTransaction    money.Amount
	MaxTransaction    money.Amount // for wallets without a limit of their own

	// What may be made use of, 0 for as much as anybody likes.
	CallRate       int // calls a second, of a merchant without a rate of its own; else MinCallRate or more
	CodesPerHour   int // one-time codes that are sent to one wallet
	PromptsPerHour int // pushes that one wallet's owner is asked to answer
}

// Unmetered are the rules without bounds on use, which tests, demonstrations and
// loads would reach.
func (r Rules) Unmetered() Rules {
	r.CallRate, r.CodesPerHour, r.PromptsPerHour = 0, 0, 0
	return r
}

// Check refuses rules that cannot be meant.
func (r Rules) Check() error {
	if r.CodesPerHour < 0 || r.PromptsPerHour < 0 {
		return refuse(Invalid, "codes and prompts an hour are 0, for any number, or more")
	}
	return checkCallRate(r.CallRate)
}

// DefaultRules are the rules unless configured otherwise.
var DefaultRules = Rules{
	PageLife: 15 * time.Minute,
	OTPLife:  5 * time.Minute, OTPTries: 3, OTPSends: 3,
	PINTries: 3, PINLock: 30 * time.Minute,
	BindingLife:       365 * 24 * time.Hour,
	CustomerTokenLife: 7 * 24 * time.Hour,
	RefreshTokenLife:  90 * 24 * time.Hour,
	PushWait:          70 * time.Second,
	UncertainLife:     7 * 24 * time.Hour,
	MinTransaction:    1,
	MaxTransaction:    10_000_000,
	CallRate:          500, CodesPerHour: 20, PromptsPerHour: 30,
}

// New makes a Gateway.
func New(c Config) *Gateway {
	if c.Rules == (Rules{}) {
		c.Rules = DefaultRules
	}
	if c.PINCost == (PINCost{}) {
		c.PINCost = DefaultPINCost
	}
	if c.Signal == nil {
		c.Signal = func(string) {}
	}
	onlookers := &Feed{}
	return &Gateway{
		store: watchedStore{c.Store, onlookers}, feed: onlookers, clock: c.Clock, keys: c.Keys, secrets: newSecretHasher(c.Keys, c.PINCost),
		rules: c.Rules, retention: c.Retention.orDefault(), keepCodes: c.KeepCodes, phones: recent.New[BindingID, Phone](knownPhones),
		notified: make(chan struct{}, 1), messages: c.Messages, messaged: make(chan struct{}, 1), force: c.Force, signal: c.Signal,
		factor: c.Factor, breached: c.Breached,
	}
}

// Rules returns the rules in force.
func (g *Gateway) Rules() Rules { return g.rules }

// Claim is the one use that a merchant may make of a request id. The zero Claim
// claims nothing.
type Claim struct {
	Merchant MerchantID
	Scope    string // what the id must be unique within, as the dialect defines it
	Key      string // the request id
	// Fingerprint tells a repeat of the same request from another one with its id.
	// Dialects that answer repeats need it.
	Fingerprint string
}

// Repeat is what is known of an earlier request with the same id.
type Repeat struct {
	Same   bool   // it had the same fingerprint
	Answer string // what it was answered, "" while that is not known
}

// EarlierRequest looks for an earlier request with the claim's id.
func (g *Gateway) EarlierRequest(ctx context.Context, c Claim) (r Repeat, found bool, err error) {
	err = g.peek(ctx, "", func(tx Tx) error {
		fingerprint, answer, err := tx.Claim(c)
		if errors.Is(err, ErrNoRow) {
			return nil
		}
		r, found = Repeat{Same: fingerprint == c.Fingerprint, Answer: answer}, err == nil
		return err
	})
	return r, found, err
}

// KeepAnswer stores what a claimed request was answered, for repeats of it.
func (g *Gateway) KeepAnswer(ctx context.Context, c Claim, answer string) error {
	return g.store.Update(ctx, func(tx Tx) error { return tx.SetClaimAnswer(c, answer) })
}

// ClaimRequest uses up a request id, or fails with RequestReused. Dialects call
// it for calls that are refused, or only read, before the core is reached.
func (g *Gateway) ClaimRequest(ctx context.Context, c Claim) error {
	return g.store.Update(ctx, func(tx Tx) error { return claim(tx, c) })
}

func claim(tx Tx, c Claim) error {
	if c == (Claim{}) {
		return nil
	}
	claimed, err := tx.InsertClaim(c)
	if err == nil && !claimed {
		return refuse(RequestReused, "use a new request id for every request")
	}
	return err
}

// once runs fn in a transaction that claims a request id first. When fn refuses,
// everything it did is rolled back, but the id stays used.
func (g *Gateway) once(ctx context.Context, c Claim, fn func(Tx) error) error {
	err := g.store.Update(ctx, func(tx Tx) error {
		if err := claim(tx, c); err != nil {
			return err
		}
		return fn(tx)
	})
	if errors.Is(err, ErrOutcomeUnknown) {
		return err // the id is used up exactly when the rest was done
	}
	var refusal *Error
	if errors.As(err, &refusal) && refusal.Code != RequestReused {
		return g.refuseOnce(ctx, c, err)
	}
	return err
}

// refuseOnce claims a request id for a call that ends in refusal. An id that was
// used before outweighs the refusal.
func (g *Gateway) refuseOnce(ctx context.Context, c Claim, refusal error) error {
	if c == (Claim{}) {
		return refusal
	}
	if err := g.ClaimRequest(ctx, c); err != nil {
		return err
	}
	return refusal
}

// Ready reports whether the database answers.
func (g *Gateway) Ready(ctx context.Context) error {
	return g.store.View(ctx, func(Tx) error { return nil })
}

// Audit checks every invariant of the book in one read snapshot.
func (g *Gateway) Audit(ctx context.Context) ([]Invariant, error) { return g.store.Audit(ctx) }

// Erase deletes every row. Only the sandbox offers it.
func (g *Gateway) Erase(ctx context.Context) error {
	defer g.forgetMerchants()
	defer g.phones.Clear()
	return g.store.Update(ctx, func(tx Tx) error { return tx.Erase() })
}

// Dump writes every row but settings as of one moment, for Load.
func (g *Gateway) Dump(ctx context.Context, w io.Writer) error {
	return g.store.View(ctx, func(tx Tx) error { return tx.Dump(w) })
}

// Load replaces every row but settings by those of a dump. Only the sandbox offers it.
func (g *Gateway) Load(ctx context.Context, dump []byte) error {
	defer g.forgetMerchants()
	defer g.phones.Clear()
	return g.store.Update(ctx, func(tx Tx) error {
		tx.OnCommit(g.wakeNotifier)
		return tx.Load(dump)
	})
}

// expireBatch bounds one transaction of ExpireDue, so that a backlog does not
// hold the writer for long.
const expireBatch = 200

// ExpireDue ends the pages, payments and bindings whose deadline has passed and
// reports how many. It is called at least once a second and after the sandbox
// moved the clock.
func (g *Gateway) ExpireDue(ctx context.Context) (int, error) {
	total := 0
	for {
		n, err := g.expireSome(ctx)
		total += n
		if err != nil || n < expireBatch {
			return total, err
		}
	}
}

func (g *Gateway) expireSome(ctx context.Context) (n int, err error) {
	due := false
	err = g.peek(ctx, "", func(tx Tx) error {
		due, err = tx.AnythingDue()
		return err
	})
	if err != nil || !due {
		return 0, err
	}
	err = g.store.Update(ctx, func(tx Tx) error {
		n = 0
		pages, err := tx.DuePages(expireBatch)
		if err != nil {
			return err
		}
		for _, p := range pages {
			if err := g.endPage(tx, p, PageExpired, Expired); err != nil {
				return err
			}
			n++
		}
		pushes, err := tx.DuePushes(expireBatch)
		if err != nil {
			return err
		}
		for _, push := range pushes {
			if err := g.expirePush(tx, push); err != nil {
				return err
			}
			n++
		}
		bindings, err := tx.DueBindings(expireBatch)
		if err != nil {
			return err
		}
		for _, b := range bindings {
			if err := g.endBinding(tx, b, bindingExpire, ""); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}
